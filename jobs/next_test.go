package jobs_test

import (
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// Whatever ends otherwise than somebody wanted says what to type next.
func TestEveryEndSaysWhatToTypeNext(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Clusters[0].Windows = nil })
	ends := map[string]runs.State{}
	rejected := h.Run("U0ANN", "patch install")
	h.Until(rejected, runs.Awaiting)
	h.Press("U0BOB", rejected, false)
	ends[rejected] = runs.Rejected
	cancelled := h.Run("U0ANN", "patch install")
	h.Until(cancelled, runs.Awaiting)
	h.Ask("U0ANN", "cancel "+cancelled)
	ends[cancelled] = runs.Cancelled
	h.Fault("exit", "3:data export")
	failed := h.Run("U0ANN", "export cluster")
	ends[failed] = runs.Failed
	h.Until(failed, runs.Failed)
	h.Fault("down@10.0.0.10", "yes")
	for _, text := range []string{"version", "patch install"} {
		ends[h.Run("U0ANN", text)] = runs.Failed
	}
	for id, state := range ends {
		if r := h.Until(id, state); len(r.Next.Commands) == 0 || !strings.Contains(r.Next.Text, "`"+r.Next.Commands[0]+"`") {
			t.Errorf("%s, %s: %q; next: %q", r.Text, r.State, r.Trouble, r.Next.Text)
		}
		for _, command := range []string{"cancel ", "acknowledge ", "output "} {
			if ans := h.Ask("U0ANN", command+id); ans.Pre == "" && !strings.Contains(ans.Text, "`run "+id+"`") {
				t.Errorf("%s%s: %q", command, id, ans.Text)
			}
		}
		if ans := h.Press("U0CAT", id, true); !strings.Contains(ans.Text, "`run "+id+"`") {
			t.Errorf("a late press: %q", ans.Text)
		}
	}
}

// What was refused for its words is not to be asked again with the same ones;
// everything else is, when it is mended.
func TestTheSameWordsAreOfferedAgainWhereTheyMayHelp(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	for text, again := range map[string]bool{
		"patch install nosuchpatch":     false,
		"export cluster /nowhere/b.tgz": true, // the directory can be made
		"import cluster /nowhere/b.tgz": true, // the archive can be copied there
		"restart nosuchrole":            false,
	} {
		r := h.Until(h.Run("U0ANN", text), runs.Failed)
		if r.Next.Text == "" || strings.Contains(r.Next.Text, "`retry "+r.ID+"`") != again {
			t.Errorf("%s: %s; next: %s", text, r.Trouble, r.Next.Text)
		}
	}
}
