package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/jobs"
	"alsbot/runs"
)

// watchedWell is a cluster of which everything is known and well.
func watchedWell(now time.Time) jobs.Watched {
	b := &runs.Backup{Run: "one", Verdict: "verified", Path: "/mnt/nas/a.tgz", Size: 5, At: now.Add(-time.Hour)}
	return jobs.Watched{
		Cluster: "prod", MaxAge: 26 * time.Hour, Backup: b, Newest: b,
		Roles:   &jobs.Look{Run: "two", At: now.Add(-time.Minute), Summary: "All roles run.", Data: als.Data{Roles: &als.RoleCount{}}},
		Patches: &jobs.Look{Run: "three", At: now.Add(-time.Hour), Data: als.Data{Patches: &als.PatchCount{Severities: map[string]int{"required": 0, "optional": 0, "unknown": 0}}}},
	}
}

// The generated configuration calls the checks of als.NagiosChecks: each is
// there, and says one line with performance data when all is well.
func TestNagiosChecksAgree(t *testing.T) {
	now := time.Now()
	line := regexp.MustCompile(`^ALSBOT [A-Z]+ OK - [^|\n]+ \| \w+=\d+\S*( \w+=\d+\S*)*\n$`)
	for _, check := range als.NagiosChecks {
		var out bytes.Buffer
		if err := judged(check, watchedWell(now), now).tell(&out, check); err != nil || !line.MatchString(out.String()) {
			t.Errorf("%s: %v: %q", check, err, out.String())
		}
	}
}

func TestNagiosStates(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name, check string
		change      func(*jobs.Watched)
		want        int
		text        string
	}{
		{"no backup", "backup", func(w *jobs.Watched) { w.Backup, w.Newest = nil, nil }, nagiosCritical, "no verified backup"},
		{"old backup", "backup", func(w *jobs.Watched) { w.Backup.At = now.Add(-27 * time.Hour) }, nagiosWarning, "27h0m0s old"},
		{"very old backup", "backup", func(w *jobs.Watched) { w.Backup.At = now.Add(-53 * time.Hour) }, nagiosCritical, "53h0m0s old"},
		{"the newest is suspect", "backup", func(w *jobs.Watched) { w.Newest = &runs.Backup{Run: "x", Verdict: "suspect"} }, nagiosWarning, "the newest is suspect (run x)"},
		{"patches", "patches", func(w *jobs.Watched) { w.Patches.Data.Patches.Waiting = 2 }, nagiosWarning, "waiting on prod: 2"},
		{"required patches", "patches", func(w *jobs.Watched) {
			n := w.Patches.Data.Patches
			n.Waiting, n.Urgent, n.Severities["required"], n.Severities["optional"] = 3, 1, 1, 2
		}, nagiosCritical, "waiting on prod: 3 (2 optional, 1 required) | waiting=3;0;;0 optional=2;0;;0 required=1;;0;0 unknown=0;;0;0"},
		{"patches of unknown severity", "patches", func(w *jobs.Watched) {
			n := w.Patches.Data.Patches
			n.Waiting, n.Urgent, n.Severities["unknown"] = 2, 2, 2
		}, nagiosCritical, "waiting on prod: 2 (2 of unknown severity) | waiting=2;0;;0 optional=U;0;;0 required=U;;0;0 unknown=2;;0;0"},
		{"patches never looked at", "patches", func(w *jobs.Watched) { w.Patches = nil }, nagiosUnknown, "`patch status` on a schedule"},
		{"roles down", "roles", func(w *jobs.Watched) { w.Roles.Data.Roles.Down, w.Roles.Summary = 1, "dea | is\nFATAL" }, nagiosCritical, "dea / is FATAL"},
		{"an old look", "roles", func(w *jobs.Watched) { w.Roles.At = now.Add(-2 * time.Hour) }, nagiosUnknown, "2h0m0s old"},
		{"changed since", "roles", func(w *jobs.Watched) { w.Roles.Since = "y" }, nagiosUnknown, "run y has changed"},
		{"no number", "roles", func(w *jobs.Watched) { w.Roles.Data = als.Data{} }, nagiosUnknown, "does not tell"},
		{"a lost run", "alsbot", func(w *jobs.Watched) { w.Lost = []string{"z", "y"} }, nagiosWarning, "became of z, y: type `run z`"},
		{"not ready", "alsbot", func(w *jobs.Watched) { w.NotReady = "Slack does not answer" }, nagiosCritical, "Slack does not answer"},
		{"no such check", "else", func(*jobs.Watched) {}, nagiosUnknown, "no check else"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := watchedWell(now)
			tt.change(&w)
			var out bytes.Buffer
			err := judged(tt.check, w, now).tell(&out, tt.check)
			var status exitError
			if !errors.As(err, &status) || int(status) != tt.want || !strings.Contains(out.String(), tt.text) || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("%v: %q; want %d, %q", err, out.String(), tt.want, tt.text)
			}
		})
	}
}
