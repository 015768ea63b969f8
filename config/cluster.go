package config

import (
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// anyDay is where the search for a cron line's next time starts. A leap year
// follows within the searched span.
var anyDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *report) checkCluster(p string, c Cluster) {
	if r.required(p+".core", c.Core) {
		r.hostPort(p+".core", c.Core)
	}
	if r.required(p+".user", c.User) && !loginForm.MatchString(c.User) {
		r.add(p+".user", "%s is no login name", shown(c.User))
	}
	r.required(p+".identity_file", c.IdentityFile)
	r.required(p+".known_hosts", c.KnownHosts)
	if c.RunAs != "" && !loginForm.MatchString(c.RunAs) {
		r.add(p+".run_as", "%s is no login name", shown(c.RunAs))
	}
	if !isKato(c.Kato) {
		r.add(p+".kato", "%s should be a clean absolute path such as /home/helion/bin/kato, or one word", shown(c.Kato))
	}
	r.oneOf(p+".generation", c.Generation, "auto", "als10", "als11", "als13")
	if c.Via != "" {
		r.via(p+".via", c.Via)
	}
	r.addresses(p+".addresses", c.Addresses)
	r.nodes(p+".nodes", c)
	if !isRunsDir(c.RunsDir) {
		r.add(p+".runs_dir", "%s should be a clean path under the login user's home or an absolute one, of letters, digits and _./+@=-", shown(c.RunsDir))
	}
	r.members(p+".access", c.Access)
	r.channel(p+".channel", c.Channel)
	if c.Approvals != c.Channel {
		r.channel(p+".approvals", c.Approvals)
	}
	r.checkBackup(p+".backup", c.Backup)
}

func (r *report) checkBackup(p string, b Backup) {
	for _, dir := range []struct{ key, value string }{{".directory", b.Directory}, {".fetch", b.Fetch}} {
		if dir.value != "" && !isClean(dir.value) {
			r.add(p+dir.key, "%s should be a clean absolute path, such as /mnt/nas", shown(dir.value))
		}
	}
	for _, keep := range []struct {
		key string
		n   int
	}{{".keep.daily", b.Keep.Daily}, {".keep.weekly", b.Keep.Weekly}, {".keep.monthly", b.Keep.Monthly}} {
		if keep.n < 0 {
			r.add(p+keep.key, "%d should not be negative", keep.n)
		}
	}
	if b.MaxAge <= 0 {
		r.add(p+".max_age", "should be longer than nothing, such as 26h")
	}
	if b.MaxSize <= 0 {
		r.add(p+".max_size", "must be more than zero, such as 1TiB")
	}
}

func (r *report) addresses(p string, addresses map[string]string) {
	for _, node := range slices.Sorted(maps.Keys(addresses)) {
		if _, err := netip.ParseAddr(node); err != nil {
			r.add(join(p, node), "%s is no IP address of a node", shown(node))
		}
		r.hostPort(join(p, node), addresses[node])
	}
}

// nodes checks which nodes a cluster's core may name.
func (r *report) nodes(p string, c Cluster) {
	for i, entry := range c.Nodes {
		network, err := netip.ParsePrefix(entry)
		switch {
		case err == nil && network != network.Masked():
			r.add(at(p, i), "%s should be a network, such as %s", shown(entry), network.Masked())
		case err == nil && network.Addr().Is4In6(), err != nil && !isHost(entry):
			r.add(at(p, i), "%s should be an IP address, a network such as 10.0.0.0/24, or a host name", shown(entry))
		}
	}
}

func (r *report) via(p, via string) {
	user, addr, ok := strings.Cut(via, "@")
	if !ok || !loginForm.MatchString(user) {
		r.add(p, "%s should be a login name, a host and a port, such as ops@bastion.example.com:22", shown(via))
		return
	}
	r.hostPort(p, addr)
}

func (r *report) channel(p, id string) {
	if id != "" && !channelForm.MatchString(id) {
		r.add(p, "%s is no channel's ID (C…); Slack shows it at the end of the channel's details, names do not do", shown(id))
	}
}

// isKato allows one word, which the login shell looks up, or a clean path.
func isKato(kato string) bool {
	if strings.Contains(kato, "/") {
		return isClean(kato)
	}
	return pathForm.MatchString(kato) && kato[0] != '-' && kato[0] != '.'
}

// isRunsDir allows a clean path, absolute or below the home directory.
func isRunsDir(dir string) bool {
	if strings.HasPrefix(dir, "/") {
		return isClean(dir) && dir != "/"
	}
	return pathForm.MatchString(dir) && path.Clean(dir) == dir && dir[0] != '-' &&
		dir != "." && dir != ".." && !strings.HasPrefix(dir, "../")
}
