package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"time"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/runs"
)

// NotThereError says that a run's file is no longer on its node as it was.
type NotThereError struct{ Place string }

func (n *NotThereError) Error() string {
	return n.Place + " is not there any more as the run has made it"
}

// files sends the files that runs leave on their nodes.
type files struct {
	ledger *runs.Ledger
	exec   *executor.Executor
	prober *Prober
	log    *slog.Logger
}

// WriteFile copies the file of a run's verdict from its node to w. An error
// says that w does not have the file: *NotThereError when it never will.
func (fs *files) WriteFile(ctx context.Context, id string, w io.Writer) error {
	f, t, err := fs.fileOf(ctx, id)
	if err != nil {
		return err
	}
	sum := &summed{w: w, hash: sha256.New(), left: f.Size}
	status, err := fs.exec.Exec(ctx, t, f.Send, sum)
	switch {
	case errors.Is(err, errLonger), err == nil && status != 0, err == nil && (sum.left != 0 || hex.EncodeToString(sum.hash.Sum(nil)) != f.SHA256):
		return &NotThereError{f.Place}
	case err != nil:
		return fmt.Errorf("reading %s: %w", f.Place, err)
	}
	return nil
}

// summed passes on the expected number of bytes and computes their SHA-256.
type summed struct {
	w    io.Writer
	hash hash.Hash
	left int64
}

var errLonger = errors.New("longer than it was")

func (s *summed) Write(p []byte) (int, error) {
	if s.left -= int64(len(p)); s.left < 0 {
		return 0, errLonger
	}
	n, err := s.w.Write(p)
	if _, bad := s.hash.Write(p[:n]); err == nil {
		err = bad
	}
	return n, err
}

// removeLimit is how long the removal of a delivered file may take.
const removeLimit = time.Minute

// Delivered removes the file of a run's verdict from its node, once it has been
// delivered. A file that can't be removed now stays, which is logged.
func (fs *files) Delivered(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	f, t, err := fs.fileOf(ctx, id)
	if err == nil {
		var status int
		if status, err = fs.exec.Exec(ctx, t, f.Remove, io.Discard); err == nil && status != 0 {
			err = &NotThereError{f.Place}
		}
	}
	if err != nil {
		fs.log.Warn("removing a file that was delivered from its node", "run", id, "error", err)
	}
}

func (fs *files) fileOf(ctx context.Context, id string) (als.File, executor.Target, error) {
	r, _, err := fs.ledger.Load(ctx, id)
	if err != nil {
		return als.File{}, executor.Target{}, err
	}
	if r.Verdict == nil || r.Verdict.File == nil {
		return als.File{}, executor.Target{}, fmt.Errorf("run %s has no file", id)
	}
	t, err := fs.prober.Target(r.Cluster, r.Verdict.File.Node)
	return *r.Verdict.File, t, err
}
