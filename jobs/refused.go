package jobs

import (
	"context"
	"log/slog"
	"strings"

	"alsbot/als"
	"alsbot/runs"
)

// noteRefused has the audit log know of a command that was understood and
// refused, and of a decision that was typed. A typing mistake is neither.
func (b *builtins) noteRefused(ctx context.Context, a Ask, req als.Request, ans Answer) {
	if !ans.Bad {
		return
	}
	about := ""
	switch words := decisionWords(a.Text); {
	case len(words) > 1:
		about = strings.ToLower(words[1])
	case words == nil && req.Operation == "":
		return
	}
	if op, ok := Operations.Find(req.Operation); ok && op.Builtin {
		about = req.Arg(0)
	}
	f := runs.Refusal{By: a.By, Cluster: req.Cluster, What: plain(a.Text), Why: ans.Text}
	if run, cluster := knownRun(ctx, b.ledger, about); run != "" {
		f.Run, f.Cluster = run, cluster
	}
	note(ctx, b.ledger, b.log, f)
}

// noteRefused has the audit log know of a press that changed nothing.
func (ap *approver) noteRefused(ctx context.Context, id string, approve bool, by runs.Principal, ans Answer) {
	if !ans.Bad {
		return
	}
	f := runs.Refusal{By: by, What: "Reject", Why: ans.Text}
	if approve {
		f.What = "Approve"
	}
	if f.Run, f.Cluster = knownRun(ctx, ap.ledger, id); f.Run == "" {
		f.What += " of " + plain(id)
	}
	note(ctx, ap.ledger, ap.log, f)
}

// note writes a refusal down. The answer stands whether or not that works.
func note(ctx context.Context, ledger *runs.Ledger, log *slog.Logger, f runs.Refusal) {
	if err := ledger.Refused(context.WithoutCancel(ctx), f); err != nil {
		log.Error("noting a refusal in the audit log", "user", f.By.ID, "refused", f.What, "error", err)
	}
}

// knownRun returns the ID and the cluster of a run that exists, else nothing.
func knownRun(ctx context.Context, ledger *runs.Ledger, id string) (run, cluster string) {
	r, _, err := ledger.Load(ctx, id)
	if err != nil {
		return "", ""
	}
	return r.ID, r.Request.Cluster
}
