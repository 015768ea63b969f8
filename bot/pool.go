package bot

import (
	"context"
	"sync"
)

const (
	workers    = 64   // deliveries that are worked on at the same time: the store commits them together
	maxWaiting = 1024 // deliveries that wait; who comes then is told to come again
)

// poolFor keeps commands, which only the store can delay, apart from what
// waits for Slack: rights that are looked up, answers that are posted.
func (b *Bot) poolFor(d delivery) pool {
	if d.kind == kindCommand {
		return b.quick
	}
	return b.slow
}

// pool works on deliveries with a bounded number of goroutines.
type pool struct {
	size  int
	queue chan func(context.Context)
}

func newPool(size, backlog int) pool {
	return pool{size: size, queue: make(chan func(context.Context), backlog)}
}

// run works until ctx ends, and then brings what has been begun or taken in
// to its end, for at most lastWords.
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

// take hands a delivery to the pool, or returns false when there are too many.
func (p pool) submit(job func(context.Context)) bool {
	select {
	case p.queue <- job:
		return true
	default:
		return false
	}
}
