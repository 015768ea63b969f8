package app

import (
	"context"
	"errors"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

func headOf(cfg *config.Config) runs.HeadFile {
	return runs.HeadFile{Path: store.HeadPath(cfg.Store.Path), Store: cfg.Store.Path}
}

// checkHead refuses a store that is not the one whose head was kept, unless a
// person accepts it.
func checkHead(head runs.HeadFile, st store.Store, how Start) error {
	ctx := context.Background()
	err := head.Check(ctx, st)
	switch {
	case how.NewStore && (err == nil || errors.Is(err, runs.ErrHead)):
		return head.Accept(ctx, st, LocalUser(), "begun with an empty store")
	case errors.Is(err, runs.ErrHead) && how.AcceptRestored:
		return head.Accept(ctx, st, LocalUser(), "accepted a restored store")
	}
	return err
}

// VerifyAudit checks the audit log against the records, the head given and
// the head kept beside the store.
func VerifyAudit(ctx context.Context, cfg *config.Config, st store.Store, head runs.AuditHead) (runs.Verified, error) {
	found, err := runs.VerifyAudit(ctx, st, head)
	return found, errors.Join(err, headOf(cfg).Check(ctx, st))
}

// KeepHead brings the kept head up to what was written without the bot. A
// store that doesn't match it is left for the next start to refuse.
func KeepHead(cfg *config.Config, st store.Store) error {
	err := headOf(cfg).Keep(context.Background(), st)
	if errors.Is(err, runs.ErrHead) {
		return nil
	}
	return err
}

func (a *App) headTrouble(err error) {
	if err != nil {
		a.log.Error("the head of the audit log beside the store lags behind", "error", err)
		return
	}
	a.log.Info("the head of the audit log is kept beside the store again")
}
