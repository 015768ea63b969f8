package runs_test

import (
	"encoding/json"
	"slices"
	"testing"

	"alsbot/runs"
)

// A run of an earlier version has its advice as a text and its offers in the
// verdict. Their buttons are still on Slack's messages.
func TestStoredRunKeepsItsOffers(t *testing.T) {
	const verdict = `"verdict":{"outcome":"succeeded","summary":"x","next":"Type ` + "`restart dea @prod`" + `.","offers":["restart dea @prod"]}`
	offered := []string{"restart dea @prod"}
	for name, c := range map[string]struct {
		stored string
		want   []string
	}{
		"as the verdict says":         {`{"id":"r1","state":"succeeded","next":"Type ` + "`restart dea @prod`" + `.",` + verdict + `}`, offered},
		"with another advice":         {`{"id":"r1","state":"failed","next":"look at the cluster first",` + verdict + `}`, nil},
		"before the end":              {`{"id":"r1","state":"running","next":"Type ` + "`restart dea @prod`" + `.",` + verdict + `}`, nil},
		"without a verdict":           {`{"id":"r1","state":"succeeded","next":"Type ` + "`restart dea @prod`" + `."}`, nil},
		"of this version":             {`{"id":"r1","state":"succeeded","next":{"text":"x","offers":["restart dea @prod"]}}`, offered},
		"with more offers than fit":   {`{"id":"r1","state":"succeeded","next":{"text":"x","offers":["a","b","c","d"]}}`, []string{"a", "b", "c"}},
		"with an acknowledged advice": {`{"id":"r1","state":"lost","next":{"text":"look"},` + verdict + `}`, nil},
	} {
		var r runs.Run
		if err := json.Unmarshal([]byte(c.stored), &r); err != nil || r.ID != "r1" || !slices.Equal(r.Offers(), c.want) {
			t.Errorf("%s: %v, run %s offers %q", name, err, r.ID, r.Offers())
		}
	}
}
