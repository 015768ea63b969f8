package jobs

import (
	"context"

	"alsbot/executor"
	"alsbot/runs"
)

// Collect takes over what step i of a lost run has printed since, and its exit
// status, once the command has ended on its node. It changes r and the stored
// output, not the ledger. An error beside a finished exit is about the output
// alone.
func (e *Engine) Collect(ctx context.Context, r *runs.Run, i int, t executor.Target) (executor.Exit, error) {
	s := &r.Steps[i]
	k := &stepRecorder{w: e.worker, ctx: ctx, run: r.ID, i: i, rec: s, target: t}
	if err := k.recall(); err != nil {
		return executor.Exit{}, err
	}
	exit, err := e.worker.exec.Run(ctx, t, executor.Command{ID: s.ID, Argv: s.Step.Command(), Offset: s.Size, Started: true}, k)
	if exit.State == executor.Finished {
		s.Exit = &exit.Status
	}
	return exit, err
}
