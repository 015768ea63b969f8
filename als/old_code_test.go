package als_test

import (
	"strings"
	"testing"

	"alsbot/sim/node"
)

// If no patch is missing, the plan still says which roles run the old code.
func TestOldCodeIsSaidUntilTheRolesWereRestarted(t *testing.T) {
	for _, profile := range []string{node.ALS10, node.ALS11, node.ALS13} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, profile)
			b.good(t, "patch install --no-restart", "no role was restarted")
			said := func(text string) string {
				t.Helper()
				plan, _ := b.do(t, text)
				if plan.Nothing == "" || len(plan.Next.Offers) > 0 != strings.Contains(plan.Nothing, "old code") {
					t.Errorf("%s: %q, %q %q", text, plan.Nothing, plan.Next.Text, plan.Next.Offers)
				}
				return plan.Nothing + "\n" + plan.Next.Text
			}
			first := said("patch install")
			if !strings.Contains(first, "dea on 10.0.0.12, 10.0.0.13") || !strings.Contains(first, "patch install --no-restart") {
				t.Error(first)
			}
			b.good(t, "restart dea --node 10.0.0.12", "Restarted")
			if then := said("patch install"); strings.Contains(then, "10.0.0.12") || !strings.Contains(then, "dea on 10.0.0.13") {
				t.Error(then)
			}
			b.good(t, "restart", "Restarted")
			if end := said("patch install"); strings.Contains(end, "old code") {
				t.Error(end)
			}
		})
	}
}
