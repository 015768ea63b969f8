package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"

	"alsbot/runs"
	"alsbot/store"
)

// outputs reads back what the steps of runs printed.
type outputs struct {
	st     store.Store
	ledger *runs.Ledger
}

// Output returns up to max bytes of what the run's steps printed, from the
// end, and how many bytes there are in all.
func (o *outputs) Output(ctx context.Context, id string, max int) (tail []byte, size int64, err error) {
	r, _, err := o.ledger.Load(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		if s.Size, err = o.st.BlobSize(ctx, s.Blob); err != nil {
			return nil, 0, err
		}
		size += s.Size
		if len(tail) < max {
			part, err := o.tail(ctx, s, max-len(tail))
			if err != nil {
				return nil, 0, err
			}
			tail = append(part, tail...)
		}
	}
	return tail, size, nil
}

// tail reads the last max bytes of a step's output.
func (o *outputs) tail(ctx context.Context, s runs.StepRecord, max int) ([]byte, error) {
	p := make([]byte, min(s.Size, int64(max)))
	n := 0
	for n < len(p) {
		m, err := o.st.ReadBlob(ctx, s.Blob, s.Size-int64(len(p)-n), p[n:])
		n += m
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the output of %s: %w", s.ID, err)
		}
	}
	return p[:n], nil
}

// WriteOutput copies all that a run's steps printed to w, in order.
func (o *outputs) WriteOutput(ctx context.Context, id string, w io.Writer) error {
	r, _, err := o.ledger.Load(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range r.Steps {
		if _, err := io.Copy(w, &blob{st: o.st, ctx: ctx, name: s.Blob}); err != nil {
			return fmt.Errorf("reading the output of run %s: %w", id, err)
		}
	}
	return nil
}

// blob reads a blob from its beginning; its context lives as long as one copy.
type blob struct {
	st   store.Store
	ctx  context.Context
	name string
	off  int64
}

func (b *blob) Read(p []byte) (int, error) {
	n, err := b.st.ReadBlob(b.ctx, b.name, b.off, p)
	b.off += int64(n)
	return n, err
}
