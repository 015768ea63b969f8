package jobs_test

import (
	"testing"
	"time"

	"alsbot/als"
	"alsbot/jobs"
)

func TestVerifying(t *testing.T) {
	now, zero, one := time.Now(), 0, 1
	done := jobs.StepRecord{Started: now, Ended: now, Exit: &zero}
	failed := jobs.StepRecord{Started: now, Ended: now, Exit: &one}
	begun := jobs.StepRecord{Started: now}
	always := jobs.StepRecord{Step: als.Step{Always: true}}
	for name, c := range map[string]struct {
		state  jobs.State
		steps  []jobs.StepRecord
		cancel bool
		want   bool
	}{
		"all are done":                 {state: jobs.Running, steps: []jobs.StepRecord{done, done}, want: true},
		"one is under way":             {state: jobs.Running, steps: []jobs.StepRecord{done, begun}},
		"one is still to come":         {state: jobs.Running, steps: []jobs.StepRecord{done, {}}},
		"what failed ends the run":     {state: jobs.Running, steps: []jobs.StepRecord{failed, {}}, want: true},
		"clean-up comes in any case":   {state: jobs.Running, steps: []jobs.StepRecord{failed, {}, always}},
		"a cancel skips the rest":      {state: jobs.Running, steps: []jobs.StepRecord{done, {}}, cancel: true, want: true},
		"a cancel waits for what runs": {state: jobs.Running, steps: []jobs.StepRecord{begun, {}}, cancel: true},
		"it is over":                   {state: jobs.Succeeded, steps: []jobs.StepRecord{done}},
		"nothing is planned":           {state: jobs.Running},
	} {
		r := jobs.Run{State: c.state, Steps: c.steps}
		if c.cancel {
			r.Cancel = &jobs.Decision{}
		}
		if got := r.Verifying(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
