package bot

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"alsbot/runs"
	"alsbot/store"
)

// sender sends what the engine's outbox holds. It sends rows in order within a
// channel; channels don't wait for each other. Rows about the same message
// become one message that shows the present state. The sender deletes a row
// only after Slack has the message, in the transaction that stores where it is.
//
// One goroutine decides what to send next (run). One goroutine per channel
// sends (send.go).
type sender struct {
	*Bot
	queues     map[string]*channelQueue
	finished   chan result
	active     int
	inFlight   map[string]bool // keys of messages that are being sent
	index      messageIndex
	updates    *rate.Limiter        // of chat.update, for the whole workspace
	dirty      map[string]time.Time // messages that have news and no row: key → when they were last shown
	shownAt    map[string]time.Time // when messages were last shown, for progressEvery
	queueOf    map[string]string    // run ID and kind → queue, while rows wait
	backlogged bool                 // so many rows wait that the sender doesn't scan them at every change
}

const (
	scanLimit       = 2000                  // rows that one scan reads
	maxActive       = 64                    // channels that are sent to at the same time
	postRate        = rate.Limit(1)         // posts per second and channel, which Slack allows
	postBurst       = 15                    // posts that Slack accepts at once
	updateRate      = rate.Limit(50.0 / 60) // chat.update is in Slack's tier 3
	updateBurst     = 20                    // updates that Slack accepts at once
	reservedUpdates = 5                     // updates that progress leaves for changes of state
	progressEvery   = 3 * time.Second       // between two updates of one run's progress
	backlog         = 20                    // up to this many waiting rows, the sender scans at every change
	rescanPerRow    = 50 * time.Microsecond // above it, the pause between scans for each row: a few percent of one core
	storePause      = 2 * time.Second       // after an error of the store
)

// channelQueue has the messages that wait for one channel.
type channelQueue struct {
	busy      bool
	notBefore time.Time     // don't send earlier
	backoff   time.Duration // the wait after the last failure
	unsure    bool          // the last answer was lost: check that Slack answers before sending it again
	posts     *rate.Limiter
	counts    map[string]int // pieces of an output that were posted, and failed attempts, by run
	messages  []*message

	notDigested string // key of a first message that is sent by itself
}

// message is one message to send, and the outbox rows that it settles.
type message struct {
	queue, key string
	kind       runs.Kind
	run        string
	rows       []runs.Outgoing
	misplaced  bool       // it is not where people expect it
	candidates []*message // of a digest: the messages that it may include

	// What sending leaves to be done. In the transaction that deletes the rows:
	// where the message is (nil: as before), and what goes with that; then,
	// after it.
	at    *messageRef
	also  func(store.Tx) error
	after func()
}

// result is how sending a message ended.
type result struct {
	msg *message
	err error
}

func newSender(b *Bot) *sender {
	return &sender{
		Bot: b, queues: map[string]*channelQueue{}, finished: make(chan result, maxActive),
		index: messageIndex{st: b.st, engine: b.engine}, updates: rate.NewLimiter(updateRate, updateBurst),
		inFlight: map[string]bool{}, dirty: map[string]time.Time{}, shownAt: map[string]time.Time{}, queueOf: map[string]string{},
	}
}

// run sends until ctx ends, then waits for the messages that are being sent.
func (s *sender) run(ctx context.Context) error {
	changed := s.engine.OutboxChanged(ctx)
	progress := s.engine.Progress()
	s.resync(ctx)
	wake := time.NewTimer(0)
	defer wake.Stop()
	look := true
	for ctx.Err() == nil {
		if look {
			wake.Reset(s.scan(ctx))
		}
		select {
		case <-ctx.Done():
		case <-changed:
			look = !s.backlogged
		case <-wake.C:
			look = true
		case o := <-s.finished:
			s.finish(o)
			look = !s.backlogged
		case id := <-progress:
			look = s.markDirty(runKey(id)) && !s.backlogged
		}
	}
	for s.active > 0 {
		s.finish(<-s.finished)
	}
	return nil
}

// scan reads the outbox, starts what can be sent now, and returns when to scan
// again if nothing happens before.
func (s *sender) scan(ctx context.Context) time.Duration {
	rows, err := s.engine.Outbox(ctx, scanLimit)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("reading the outbox", "error", err)
		}
		return storePause
	}
	s.enqueue(ctx, rows)
	now := time.Now()
	again := retryMax
	for name, q := range s.queues {
		switch {
		case q.busy:
		case len(q.messages) == 0:
			if q.posts.Tokens() >= postBurst-1 {
				delete(s.queues, name)
			}
		case q.notBefore.After(now):
			again = min(again, q.notBefore.Sub(now))
		case s.active < maxActive:
			s.start(ctx, q, q.nextMessage(now))
		}
	}
	again = min(again, s.showDirty(ctx, now))
	if s.backlogged = len(rows) > backlog; s.backlogged {
		again = min(again, time.Duration(len(rows))*rescanPerRow)
	}
	return again
}

// enqueue puts the rows into their queues and merges rows about the same
// message.
func (s *sender) enqueue(ctx context.Context, rows []runs.Outgoing) {
	for _, q := range s.queues {
		q.messages = nil
	}
	known := make(map[string]string, len(s.queueOf))
	errands := make(map[string]*message)
	for _, row := range rows {
		msg := s.messageOf(ctx, row, known)
		if same := errands[msg.queue+"\x00"+msg.key]; same != nil && len(same.rows) < kindOf(row.Kind).merge() {
			same.rows = append(same.rows, row)
			continue
		}
		errands[msg.queue+"\x00"+msg.key] = msg
		q := s.queue(msg.queue)
		q.messages = append(q.messages, msg)
	}
	s.queueOf = known
}

func (s *sender) queue(name string) *channelQueue {
	q := s.queues[name]
	if q == nil {
		q = &channelQueue{posts: rate.NewLimiter(postRate, postBurst), counts: map[string]int{}}
		s.queues[name] = q
	}
	return q
}

// messageOf returns the message that a row asks for, with its queue.
func (s *sender) messageOf(ctx context.Context, row runs.Outgoing, known map[string]string) *message {
	msg := &message{kind: row.Kind, run: row.Run, rows: []runs.Outgoing{row}}
	msg.key, msg.queue = kindOf(row.Kind).place(ctx, s, row, known)
	return msg
}

// start sends a message in a goroutine, which reports to finish.
func (s *sender) start(ctx context.Context, q *channelQueue, msg *message) {
	q.busy = true
	s.active++
	s.inFlight[msg.key] = true
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = s.recovered("telling "+msg.key, p)
			}
			s.finished <- result{msg: msg, err: err}
		}()
		err = s.send(ctx, q, msg)
	}()
}

// finish records how sending ended: the queue goes on, or waits.
func (s *sender) finish(o result) {
	s.active--
	delete(s.inFlight, o.msg.key)
	q := s.queue(o.msg.queue)
	q.busy = false
	if o.err == nil {
		q.backoff, q.unsure = 0, false
		s.health.sending(nil)
		if o.msg.misplaced {
			s.markDirty(runKey(o.msg.run)) // the run's message names the channel
		}
		return
	}
	if errors.Is(o.err, context.Canceled) {
		return // alsbot is stopping: the next start sends it
	}
	t := classify(o.err)
	if o.msg.kind == progress {
		if t.fate != refused {
			s.dirty[o.msg.key] = time.Now() // try again in a while: the next news may take long
		}
		return
	}
	if t.fate == limited {
		q.notBefore = time.Now().Add(t.after)
		s.log.Info("Slack asks for patience", "lane", o.msg.queue, "seconds", t.after.Seconds())
		return
	}
	q.backoff = min(max(q.backoff*2, s.timing.retryFirst), retryMax)
	q.notBefore = time.Now().Add(q.backoff)
	q.unsure = q.unsure || t.fate == unknown
	s.health.sending(explain(o.err))
	s.log.Warn("telling did not work, trying again", "what", o.msg.key, "rows", len(o.msg.rows), "in", q.backoff, "error", o.err)
}
