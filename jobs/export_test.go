package jobs

import (
	"context"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// WhyMissed is whyMissed, whose clock a test cannot put forward: at is the
// clock on the wall and up the time since start, of the last look and of now.
func WhyMissed(slot, start, lastAt time.Time, lastUp time.Duration, at time.Time, up time.Duration, failed error) string {
	return whyMissed(slot, start, moment{at: lastAt, up: lastUp}, moment{at: at, up: up}, failed)
}

// PrintedMost is printedMost.
const PrintedMost = printedMost

// Print passes output at an offset to the recorder of a step, and returns why
// the step counts as cut off.
func Print(ctx context.Context, st store.Store, offset int64, text string) (cut, err error) {
	k := &stepRecorder{w: &worker{st: st}, ctx: ctx, rec: &runs.StepRecord{Step: als.Step{}, Blob: "x"}, committed: time.Now(), signalled: time.Now()}
	err = k.Output(offset, []byte(text))
	return k.why(), err
}

// AnsweredCommands lists the commands of alsbot's own that have an answer.
func AnsweredCommands() (names []string) {
	for _, b := range builtinCommands {
		if b.reply != nil || b.instead != nil {
			names = append(names, b.op.Name)
		}
	}
	return names
}
