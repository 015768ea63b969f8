package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"alsbot/jobs"
)

// sender tells people what the engine's outbox holds. Rows are told in order
// within a channel; channels do not wait for each other. Rows about the same
// message are told together, once, by its present state. A row is deleted
// only when it has been told, in the transaction that notes where.
//
// One goroutine decides what is told next (run); telling happens in one
// goroutine per channel that has something to tell (tell.go).
type sender struct {
	*Bot
	queues     map[string]*channelQueue
	finished   chan result
	active     int
	inFlight   map[string]bool // keys of what is being told
	index      messageIndex
	updates    *rate.Limiter        // chat.update, of the whole workspace
	dirty      map[string]time.Time // keys of messages that no row asks for and that have news → when they were last shown
	shownAt    map[string]time.Time // keys of those that were shown a moment ago
	queueOf    map[string]string    // run ID and kind → lane, while rows wait
	backlogged bool                 // so many rows wait that looking costs: not at every change
}

const (
	scanLimit       = 2000                  // rows that are looked at together
	maxActive       = 64                    // channels that are told something at the same time
	postRate        = rate.Limit(1)         // posts per second and channel, as Slack asks for
	postBurst       = 15                    // and what it bears at once
	updateRate      = rate.Limit(50.0 / 60) // chat.update is in Slack's tier 3
	updateBurst     = 20                    // and what it bears at once
	reservedUpdates = 5                     // updates that progress leaves to the states
	progressEvery   = 3 * time.Second       // between two pictures of one run
	backlog         = 20                    // rows of which each change is looked at
	rescanPerRow    = 50 * time.Microsecond // between two looks at more, for each row: a few percent of one core
	storePause      = 2 * time.Second       // after trouble with our own store
)

// lane is one channel's line.
type channelQueue struct {
	busy      bool
	notBefore time.Time     // not before
	backoff   time.Duration // of the last failure
	unsure    bool          // the last answer was lost: ask whether Slack is there before saying it again
	posts     *rate.Limiter
	counts    map[string]int // pieces of an output that have been told, by run
	messages  []*message

	notDigested string // key of a first errand that is told by itself
}

// errand is one thing to tell, and the rows that are done with it.
type message struct {
	queue, key string
	kind       jobs.Kind
	run        string
	rows       []jobs.Outgoing
	misplaced  bool       // told elsewhere than was to be expected
	candidates []*message // with digest: what may be told in one
}

// progress is the kind of an errand that no row asks for.
const progress jobs.Kind = "progress"

// outcome is what became of an errand.
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

// run tells until ctx ends, and waits for what is being told.
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

// look reads the outbox, starts what can be told now, and says when to look
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

// sort puts the rows into their lanes, and together what belongs together.
func (s *sender) enqueue(ctx context.Context, rows []jobs.Outgoing) {
	for _, q := range s.queues {
		q.messages = nil
	}
	known := make(map[string]string, len(s.queueOf))
	errands := make(map[string]*message)
	for _, row := range rows {
		msg := s.messageOf(ctx, row, known)
		if same := errands[msg.queue+"\x00"+msg.key]; same != nil && len(same.rows) < mergeLimit(row.Kind) {
			same.rows = append(same.rows, row)
			continue
		}
		errands[msg.queue+"\x00"+msg.key] = msg
		q := s.queue(msg.queue)
		q.messages = append(q.messages, msg)
	}
	s.queueOf = known
}

// mergeMost is how many rows are told as one: any number where a state is
// shown, as many as can be read at once where each says something.
func mergeLimit(k jobs.Kind) int {
	if k == jobs.TellChannel {
		return 20
	}
	return scanLimit
}

func (s *sender) queue(name string) *channelQueue {
	q := s.queues[name]
	if q == nil {
		q = &channelQueue{posts: rate.NewLimiter(postRate, postBurst), counts: map[string]int{}}
		s.queues[name] = q
	}
	return q
}

// errandOf says what a row asks for and in which lane it stands. What is
// told to one person privately has a lane of its own: nobody else waits for it.
func (s *sender) messageOf(ctx context.Context, row jobs.Outgoing, known map[string]string) *message {
	msg := &message{kind: row.Kind, run: row.Run, rows: []jobs.Outgoing{row}}
	switch row.Kind {
	case jobs.TellReply:
		msg.key = fmt.Sprintf("reply/%d", row.Seq)
		msg.queue = msg.key
		return msg
	case jobs.TellChannel:
		msg.key = "say/" + row.Cluster
		msg.queue = s.clusterChannel(row.Cluster)
		return msg
	case jobs.TellOutput:
		msg.key = "output/" + row.Run
	default:
		msg.key = string(row.Kind) + "/" + row.Run
	}
	id := string(row.Kind) + "/" + row.Run
	if row.Kind == jobs.TellOutput || row.Kind == jobs.TellFile {
		id = runKey(row.Run) // in the thread of the run's message
	}
	lane, ok := known[id]
	if !ok {
		if lane, ok = s.queueOf[id]; !ok {
			lane = s.channelOf(ctx, id, row)
		}
		known[id] = lane
	}
	msg.queue = lane
	return msg
}

// begin tells an errand in a goroutine that ends in settle.
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

// settle notes what became of an errand: its lane goes on, or waits.
func (s *sender) finish(o result) {
	s.active--
	delete(s.inFlight, o.msg.key)
	q := s.queue(o.msg.queue)
	q.busy = false
	if o.err == nil {
		q.backoff, q.unsure = 0, false
		s.health.sending(nil)
		if o.msg.misplaced {
			s.markDirty(runKey(o.msg.run)) // its message names the place
		}
		return
	}
	if errors.Is(o.err, context.Canceled) {
		return // alsbot stops: the next one tells it
	}
	t := classify(o.err)
	if o.msg.kind == progress {
		if t.fate != refused {
			s.dirty[o.msg.key] = time.Now() // in a while: the next news may be long in coming
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
