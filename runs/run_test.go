package runs_test

import (
	"testing"
	"time"

	"alsbot/als"
	"alsbot/runs"
)

func TestVerifying(t *testing.T) {
	now, zero, one := time.Now(), 0, 1
	done := runs.StepRecord{Started: now, Ended: now, Exit: &zero}
	failed := runs.StepRecord{Started: now, Ended: now, Exit: &one}
	begun := runs.StepRecord{Started: now}
	always := runs.StepRecord{Step: als.Step{Always: true}}
	for name, c := range map[string]struct {
		state  runs.State
		steps  []runs.StepRecord
		cancel bool
		want   bool
	}{
		"all are done":                 {state: runs.Running, steps: []runs.StepRecord{done, done}, want: true},
		"one is under way":             {state: runs.Running, steps: []runs.StepRecord{done, begun}},
		"one is still to come":         {state: runs.Running, steps: []runs.StepRecord{done, {}}},
		"what failed ends the run":     {state: runs.Running, steps: []runs.StepRecord{failed, {}}, want: true},
		"clean-up comes in any case":   {state: runs.Running, steps: []runs.StepRecord{failed, {}, always}},
		"a cancel skips the rest":      {state: runs.Running, steps: []runs.StepRecord{done, {}}, cancel: true, want: true},
		"a cancel waits for what runs": {state: runs.Running, steps: []runs.StepRecord{begun, {}}, cancel: true},
		"it is over":                   {state: runs.Succeeded, steps: []runs.StepRecord{done}},
		"nothing is planned":           {state: runs.Running},
	} {
		r := runs.Run{State: c.state, Steps: c.steps}
		if c.cancel {
			r.Cancel = &runs.Decision{}
		}
		if got := r.Verifying(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
