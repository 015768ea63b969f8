package config

import "maps"

// defaults returns the values of keys that aren't set. Until access is set, no
// one can do anything.
func defaults() map[string]any {
	return map[string]any{
		"slack":    map[string]any{"mode": "socket", "api_url": "https://slack.com/api/", "command": "/als"},
		"http":     map[string]any{"listen": "127.0.0.1:8080"},
		"admin":    map[string]any{"listen": "127.0.0.1:9464", "socket": "alsbot.sock"},
		"store":    map[string]any{"engine": "bolt", "path": "alsbot.db", "keep_runs": "2160h", "etcd": map[string]any{"prefix": "/alsbot/"}},
		"approval": map[string]any{"effects": []any{"restart", "destroy"}, "expires_after": "1h", "quorum": 1},

		"monitoring": monitoringDefaults(),
	}
}

// clusterDefaults returns the defaults of each cluster.
func clusterDefaults() map[string]any {
	return map[string]any{
		"kato": "kato", "generation": "auto", "runs_dir": ".alsbot/runs",
		"backup": map[string]any{
			"keep":    map[string]any{"daily": 7, "weekly": 4, "monthly": 12},
			"max_age": "26h", "max_size": "1TiB",
		},
	}
}

// scheduleDefaults returns the defaults of each schedule.
func scheduleDefaults() map[string]any { return map[string]any{"timezone": "UTC"} }

// over returns base overridden by set: it merges maps and replaces everything
// else.
func over(base, set map[string]any) map[string]any {
	out := maps.Clone(base)
	for k, v := range set {
		below, isMap := out[k].(map[string]any)
		if own, ok := v.(map[string]any); ok && isMap {
			v = over(below, own)
		}
		out[k] = v
	}
	return out
}

// eachOver overrides base with each map of a list.
func eachOver(list any, base map[string]any) any {
	elements, _ := list.([]any)
	out := make([]any, len(elements))
	for i, e := range elements {
		own, _ := e.(map[string]any)
		out[i] = over(base, own)
	}
	return out
}
