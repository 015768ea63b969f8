package jobs_test

import (
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/jobs"
)

// Whatever ends otherwise than somebody wanted says what to type next.
func TestEveryEndSaysWhatToTypeNext(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Clusters[0].Windows = nil })
	ends := map[string]jobs.State{}
	rejected := h.run("U0ANN", "patch install")
	h.until(rejected, jobs.Awaiting)
	h.press("U0BOB", rejected, false)
	ends[rejected] = jobs.Rejected
	cancelled := h.run("U0ANN", "patch install")
	h.until(cancelled, jobs.Awaiting)
	h.ask("U0ANN", "cancel "+cancelled)
	ends[cancelled] = jobs.Cancelled
	h.fault("exit", "3:data export")
	failed := h.run("U0ANN", "export cluster")
	ends[failed] = jobs.Failed
	h.until(failed, jobs.Failed)
	h.fault("down@10.0.0.10", "yes")
	for _, text := range []string{"version", "patch install"} {
		ends[h.run("U0ANN", text)] = jobs.Failed
	}
	for id, state := range ends {
		if r := h.until(id, state); !strings.Contains(r.Next, "`") {
			t.Errorf("%s, %s: %q; next: %q", r.Text, r.State, r.Trouble, r.Next)
		}
		for _, command := range []string{"cancel ", "acknowledge ", "output "} {
			if ans := h.ask("U0ANN", command+id); ans.Pre == "" && !strings.Contains(ans.Text, "`run "+id+"`") {
				t.Errorf("%s%s: %q", command, id, ans.Text)
			}
		}
		if ans := h.press("U0CAT", id, true); !strings.Contains(ans.Text, "`run "+id+"`") {
			t.Errorf("a late press: %q", ans.Text)
		}
	}
}

// What was refused for its words is not to be asked again with the same ones;
// everything else is, when it is mended.
func TestTheSameWordsAreOfferedAgainWhereTheyMayHelp(t *testing.T) {
	h := newHouse(t, nil)
	for text, again := range map[string]bool{
		"patch install nosuchpatch":     false,
		"export cluster /nowhere/b.tgz": true, // the directory can be made
		"import cluster /nowhere/b.tgz": true, // the archive can be copied there
		"restart nosuchrole":            false,
	} {
		r := h.until(h.run("U0ANN", text), jobs.Failed)
		if r.Next == "" || strings.Contains(r.Next, "`retry "+r.ID+"`") != again {
			t.Errorf("%s: %s; next: %s", text, r.Trouble, r.Next)
		}
	}
}
