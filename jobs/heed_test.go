package jobs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// "Nothing to do", or a look that finds nothing amiss, is no good news if the
// checks before it could not see all.
func TestGoodNewsHeedsWhatTheChecksFound(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	kato := filepath.Join(h.Cluster.Home(h.Cluster.Core), "bin", "kato")
	if err := os.Rename(kato, kato+".sim"); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1 $2\" = 'node list' ] && echo '10.0.0.99 is not reachable'\nexec " + kato + ".sim \"$@\"\n"
	if err := os.WriteFile(kato, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r := h.Until(h.Run("U0ANN", "start dea"), runs.Succeeded)
	if !r.Verdict.Concern || !strings.Contains(r.Verdict.Summary, "10.0.0.99 is not reachable") {
		t.Errorf("concern %t: %s", r.Verdict.Concern, r.Verdict.Summary)
	}
}
