package jobs

import (
	"context"
	"errors"

	"alsbot/als"
	"alsbot/store"
)

// UnderWay returns the runs that are not final and change something, or wait
// to. Reads and dry runs are left out: their end is never far.
func (e *Engine) UnderWay(ctx context.Context) ([]Run, error) {
	var open []Run
	err := e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := active.Scan(tx, store.Range{}, func(id string, _ State) bool {
			r, ok, err := runs.Get(tx, id)
			if bad = err; ok && r.Effect != als.Read && !r.Request.Dry {
				open = append(open, r)
			}
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	return open, err
}
