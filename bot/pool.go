package bot

import (
	"context"
	"sync"
)

const (
	workers    = 64   // deliveries handled at the same time: the store commits them together
	maxWaiting = 1024 // deliveries that wait; the next person is told to try again
)

// poolFor keeps commands, which only wait for the store, apart from deliveries
// that wait for Slack: to look up rights, to post answers.
func (b *Bot) poolFor(d delivery) pool {
	if d.kind == kindCommand {
		return b.quick
	}
	return b.slow
}

// pool handles deliveries in a fixed number of goroutines.
type pool struct {
	size  int
	queue chan func(context.Context)
}

func newPool(size, backlog int) pool {
	return pool{size: size, queue: make(chan func(context.Context), backlog)}
}

// run works until ctx ends. It then finishes the deliveries that it has taken,
// for at most shutdownGrace.
func (p pool) run(ctx context.Context) error {
	long, cancel := withGrace(ctx, shutdownGrace)
	defer cancel()
	var wg sync.WaitGroup
	for range p.size {
		wg.Go(func() {
			for {
				select {
				case job := <-p.queue:
					job(long)
				case <-ctx.Done():
					select {
					case job := <-p.queue:
						job(long)
					default:
						return
					}
				}
			}
		})
	}
	wg.Wait()
	return nil
}

// submit hands a delivery to the pool. It returns false if too many wait.
func (p pool) submit(job func(context.Context)) bool {
	select {
	case p.queue <- job:
		return true
	default:
		return false
	}
}
