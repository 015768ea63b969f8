package jobs_test

import (
	"regexp"
	"strings"
	"testing"

	"alsbot/als"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/upkeep/enginetest"
)

// Whoever lacks the role that a command needs is told so, for every command of
// the catalogue: nothing is recorded and nothing runs.
func TestEveryCommandNeedsItsRole(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Access.Viewer = []string{"U0DAN"} })
	tried := 0
	for _, op := range jobs.Operations {
		if op.Builtin {
			continue
		}
		tried++
		text := regexp.MustCompile(`@[a-z]+`).ReplaceAllString(op.Example, "") + " @prod"
		req, err := als.Parse(text, jobs.Operations)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lacking := []string{"U0EVE"} // has no role at all
		if (op.Effect(req) != als.Read || op.Private) && !req.Dry {
			lacking = append(lacking, "U0DAN") // a viewer
		}
		for _, user := range lacking {
			if ans := h.Ask(user, text); !ans.Bad || ans.Run != "" {
				t.Errorf("%s as %s: %+v", text, user, ans)
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d commands were tried", tried)
	}
	calls, err := h.Cluster.Called()
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		// The engine itself looks whether a cluster was left in maintenance.
		if argv := strings.Join(call.Argv, " "); argv != "config get cloud_controller_ng maintenance_mode" {
			t.Errorf("kato %s ran", argv)
		}
	}
}
