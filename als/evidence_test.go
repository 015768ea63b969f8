package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// An entry of kato's history is evidence of a restart only if it is newer than
// the list and the clock that were read just before, and is of the same node
// and the same command.
func TestEvidenceIsNewerThanTheAct(t *testing.T) {
	t.Parallel()
	const old = `{"time":"2026-11-23T03:00:00Z","node":"10.0.0.10","command":"kato restart dea --node 10.0.0.12","status":"succeeded"}`
	entry := func(at, node, command, status string) string {
		return `{"time":"` + at + `","node":"` + node + `","command":"` + command + `","status":"` + status + `"}`
	}
	list := func(entries ...string) answer { return answer{"[" + strings.Join(entries, ",") + "]\n", 0} }
	const words = "kato restart dea --node 10.0.0.12"
	old2 := entry("2026-11-23T03:10:00Z", "10.0.0.10", words, "succeeded")
	ours := entry("2026-11-23T03:30:01.5Z", "10.0.0.10", words, "succeeded")
	byHand := entry("2026-11-23T03:20:00Z", "10.0.0.10", words, "succeeded")
	untimed := `{"command":"` + words + `","status":"succeeded"}`
	for _, tt := range []struct {
		name          string
		before, after answer
		clock         answer
		outcome       als.Outcome
		summary       string
	}{
		{"new", list(old), list(old, ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted, by kato's history"},
		{"the very second", list(old), list(old, ours), answer{"2026-11-23T03:30:01Z\n", 0}, als.Succeeded, "Restarted"},
		{"the first ever", list(), list(ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"only the command's words", list(old), list(old, entry("2026-11-23T03:30:09Z", "10.0.0.10", "kato restart", "succeeded")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"begun, then ended", list(old), list(old, entry("2026-11-23T03:30:01Z", "10.0.0.10", words, "started"), ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"without times", list(untimed), list(untimed, untimed), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"the oldest is gone", list(old, byHand), list(byHand, ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"no clock, so the list decides", list(old), list(old, ours), answer{"date: not found\n", 127}, als.Succeeded, "Restarted"},
		{"a clock that ended badly, so the list decides", list(old), list(old, ours), answer{"2026-11-23T03:30:02Z\n", 1}, als.Succeeded, "Restarted"},

		{"by hand before, and kato does nothing", list(old, byHand), list(old, byHand), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "kato's history has 0 of 1 such command since the run began"},
		{"listed late, and written before", list(old), list(old, byHand), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1 such command"},
		{"a second too early", list(old), list(old, ours), answer{"2026-11-23T03:30:02Z\n", 0}, als.Failed, "has 0 of 1 such command"},
		{"of another node", list(old), list(old, entry("2026-11-23T03:30:09Z", "10.0.0.12", words, "succeeded")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"of other roles", list(old), list(old, entry("2026-11-23T03:30:09Z", "10.0.0.10", "kato restart mysql --node 10.0.0.11", "succeeded")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"another command", list(old), list(old, entry("2026-11-23T03:30:09Z", "10.0.0.10", "kato process restart dea_ng", "succeeded")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"failed", list(old), list(old, entry("2026-11-23T03:30:09Z", "10.0.0.10", words, "failed")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "says that `" + words + "` failed"},
		{"the oldest is gone, nothing is new", list(old, byHand), list(byHand), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"without times, and nothing is new", list(untimed), list(untimed), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},

		{"begun, never ended", list(old), list(old, entry("2026-11-23T03:30:01Z", "10.0.0.10", words, "started")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "does not say what became of the restart"},
		{"a time that cannot be read", list(old), list(old, entry("yesterday", "10.0.0.10", words, "succeeded")), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "cannot be read"},
		{"another list altogether", list(old), list(ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"newest first", list(byHand, old), list(ours, byHand, old), answer{"2026-11-23T03:30:00Z\n", 0}, als.Succeeded, "Restarted"},
		{"newest first, nothing is new", list(byHand, old), list(byHand, old), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"newest first, without times", list(untimed, untimed), list(strings.Replace(untimed, "succeeded", "failed", 1), untimed, untimed), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"in another order", list(old, byHand), list(byHand, old), answer{"2026-11-23T03:30:00Z\n", 0}, als.Failed, "has 0 of 1"},
		{"in another order, and no clock", list(old, old2, byHand), list(byHand, old2, old), answer{"", 1}, als.Failed, "has 0 of 1"},
		{"in no order, and no clock", list(old, old2, byHand), list(old2, byHand, old), answer{"", 1}, als.Unconfirmed, "its history cannot be read"},
		{"an empty one", list(old), list(), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"an empty one, as before", list(), list(), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"another status than 0", list(old), answer{list(old, ours).out, 1}, answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"a line too many", list(old), answer{"oops\n" + list(old, ours).out, 0}, answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
		{"it could not be read before", answer{"", 1}, list(old, ours), answer{"2026-11-23T03:30:00Z\n", 0}, als.Unconfirmed, "its history cannot be read"},
	} {
		before := kato{"core$ kato status": {running, 0}, historyLine: tt.before, "core$ date -u +%Y-%m-%dT%H:%M:%SZ": tt.clock, "core$ kato restart dea --node 10.0.0.12": {"", 0}}
		_, v, err := drive(t, testCluster(), "restart dea --node 10.0.0.12", before, before.with(kato{historyLine: tt.after}))
		if err != nil || v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) {
			t.Errorf("%s: %s: %s %v", tt.name, v.Outcome, v.Summary, err)
		}
	}
}
