package jobs

import "context"

// heed returns a context for looking at a run's cluster, which ends with the
// cause errCancelled or errEnded as soon as people have told the run to: a
// node that hangs then holds up nobody. stop ends the heeding; what woke the
// driver meanwhile wakes it again.
func (e *Engine) heed(ctx context.Context, d *driver, r Run) (look context.Context, stop func()) {
	look, cut := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		woken := false
		for look.Err() == nil {
			select {
			case <-look.Done():
			case <-d.wake:
				woken = true
				switch now, _, err := e.load(look, r.ID); {
				case err != nil:
				case now.State.Final():
					cut(errEnded)
				case now.Cancel != nil && r.Cancel == nil:
					cut(errCancelled)
				}
			}
		}
		if woken {
			d.nudge()
		}
	}()
	return look, func() {
		cut(nil)
		<-done
	}
}

// nudge wakes the driver, now or when it rests next.
func (d *driver) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
