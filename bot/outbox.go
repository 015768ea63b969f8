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
	lanes    map[string]*lane
	finished chan outcome
	active   int
	telling  map[string]bool // keys of what is being told
	places   places
	updates  *rate.Limiter        // chat.update, of the whole workspace
	grown    map[string]time.Time // keys of messages that no row asks for and that have news → when they were last shown
	pace     map[string]time.Time // keys of those that were shown a moment ago
	laneOf   map[string]string    // run ID and kind → lane, while rows wait
	crowded  bool                 // so many rows wait that looking costs: not at every change
}

const (
	window     = 2000                  // rows that are looked at together
	maxActive  = 64                    // channels that are told something at the same time
	postRate   = rate.Limit(1)         // posts per second and channel, as Slack asks for
	postBurst  = 15                    // and what it bears at once
	updateRate = rate.Limit(50.0 / 60) // chat.update is in Slack's tier 3
	updateCap  = 20                    // and what it bears at once
	spare      = 5                     // updates that progress leaves to the states
	progressIn = 3 * time.Second       // between two pictures of one run
	crowd      = 20                    // rows of which each change is looked at
	rescan     = 50 * time.Microsecond // between two looks at more, for each row: a few percent of one core
	storeRest  = 2 * time.Second       // after trouble with our own store
)

// lane is one channel's line.
type lane struct {
	busy    bool
	next    time.Time     // not before
	wait    time.Duration // of the last failure
	doubt   bool          // the last answer was lost: ask whether Slack is there before saying it again
	posts   *rate.Limiter
	sent    map[string]int // pieces of an output that have been told, by run
	ordered []*errand

	undigested string // key of a first errand that is told by itself
}

// errand is one thing to tell, and the rows that are done with it.
type errand struct {
	lane, key string
	kind      jobs.Kind
	run       string
	rows      []jobs.Outgoing
	stray     bool      // told elsewhere than was to be expected
	together  []*errand // with digest: what may be told in one
}

// progress is the kind of an errand that no row asks for.
const progress jobs.Kind = "progress"

// outcome is what became of an errand.
type outcome struct {
	e   *errand
	err error
}

func newSender(b *Bot) *sender {
	return &sender{
		Bot: b, lanes: map[string]*lane{}, finished: make(chan outcome, maxActive),
		places: places{st: b.st, engine: b.engine}, updates: rate.NewLimiter(updateRate, updateCap),
		telling: map[string]bool{}, grown: map[string]time.Time{}, pace: map[string]time.Time{}, laneOf: map[string]string{},
	}
}

// run tells until ctx ends, and waits for what is being told.
func (s *sender) run(ctx context.Context) error {
	changed := s.engine.OutboxChanged(ctx)
	progress := s.engine.Progress()
	s.afresh(ctx)
	wake := time.NewTimer(0)
	defer wake.Stop()
	look := true
	for ctx.Err() == nil {
		if look {
			wake.Reset(s.look(ctx))
		}
		select {
		case <-ctx.Done():
		case <-changed:
			look = !s.crowded
		case <-wake.C:
			look = true
		case o := <-s.finished:
			s.settle(o)
			look = !s.crowded
		case id := <-progress:
			look = s.grew(runKey(id)) && !s.crowded
		}
	}
	for s.active > 0 {
		s.settle(<-s.finished)
	}
	return nil
}

// look reads the outbox, starts what can be told now, and says when to look
// again if nothing happens before.
func (s *sender) look(ctx context.Context) time.Duration {
	rows, err := s.engine.Outbox(ctx, window)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("reading the outbox", "error", err)
		}
		return storeRest
	}
	s.sort(ctx, rows)
	now := time.Now()
	again := retryMost
	for name, l := range s.lanes {
		switch {
		case l.busy:
		case len(l.ordered) == 0:
			if l.posts.Tokens() >= postBurst-1 {
				delete(s.lanes, name)
			}
		case l.next.After(now):
			again = min(again, l.next.Sub(now))
		case s.active < maxActive:
			s.begin(ctx, l, l.nextErrand(now))
		}
	}
	again = min(again, s.show(ctx, now))
	if s.crowded = len(rows) > crowd; s.crowded {
		again = min(again, time.Duration(len(rows))*rescan)
	}
	return again
}

// sort puts the rows into their lanes, and together what belongs together.
func (s *sender) sort(ctx context.Context, rows []jobs.Outgoing) {
	for _, l := range s.lanes {
		l.ordered = nil
	}
	known := make(map[string]string, len(s.laneOf))
	errands := make(map[string]*errand)
	for _, row := range rows {
		e := s.errandOf(ctx, row, known)
		if same := errands[e.lane+"\x00"+e.key]; same != nil && len(same.rows) < mergeMost(row.Kind) {
			same.rows = append(same.rows, row)
			continue
		}
		errands[e.lane+"\x00"+e.key] = e
		l := s.lane(e.lane)
		l.ordered = append(l.ordered, e)
	}
	s.laneOf = known
}

// mergeMost is how many rows are told as one: any number where a state is
// shown, as many as can be read at once where each says something.
func mergeMost(k jobs.Kind) int {
	if k == jobs.TellChannel {
		return 20
	}
	return window
}

func (s *sender) lane(name string) *lane {
	l := s.lanes[name]
	if l == nil {
		l = &lane{posts: rate.NewLimiter(postRate, postBurst), sent: map[string]int{}}
		s.lanes[name] = l
	}
	return l
}

// errandOf says what a row asks for and in which lane it stands. What is
// told to one person privately has a lane of its own: nobody else waits for it.
func (s *sender) errandOf(ctx context.Context, row jobs.Outgoing, known map[string]string) *errand {
	e := &errand{kind: row.Kind, run: row.Run, rows: []jobs.Outgoing{row}}
	switch row.Kind {
	case jobs.TellReply:
		e.key = fmt.Sprintf("reply/%d", row.Seq)
		e.lane = e.key
		return e
	case jobs.TellChannel:
		e.key = "say/" + row.Cluster
		e.lane = s.clusterChannel(row.Cluster)
		return e
	case jobs.TellOutput:
		e.key = "output/" + row.Run
	default:
		e.key = string(row.Kind) + "/" + row.Run
	}
	id := string(row.Kind) + "/" + row.Run
	if row.Kind == jobs.TellOutput || row.Kind == jobs.TellFile {
		id = runKey(row.Run) // in the thread of the run's message
	}
	lane, ok := known[id]
	if !ok {
		if lane, ok = s.laneOf[id]; !ok {
			lane = s.channelOf(ctx, id, row)
		}
		known[id] = lane
	}
	e.lane = lane
	return e
}

// begin tells an errand in a goroutine that ends in settle.
func (s *sender) begin(ctx context.Context, l *lane, e *errand) {
	l.busy = true
	s.active++
	s.telling[e.key] = true
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = s.panicked("telling "+e.key, p)
			}
			s.finished <- outcome{e: e, err: err}
		}()
		err = s.tell(ctx, l, e)
	}()
}

// settle notes what became of an errand: its lane goes on, or waits.
func (s *sender) settle(o outcome) {
	s.active--
	delete(s.telling, o.e.key)
	l := s.lane(o.e.lane)
	l.busy = false
	if o.err == nil {
		l.wait, l.doubt = 0, false
		s.health.sending(nil)
		if o.e.stray {
			s.grew(runKey(o.e.run)) // its message names the place
		}
		return
	}
	if errors.Is(o.err, context.Canceled) {
		return // alsbot stops: the next one tells it
	}
	t := understand(o.err)
	if o.e.kind == progress {
		if t.fate != refused {
			s.grown[o.e.key] = time.Now() // in a while: the next news may be long in coming
		}
		return
	}
	if t.fate == limited {
		l.next = time.Now().Add(t.after)
		s.log.Info("Slack asks for patience", "lane", o.e.lane, "seconds", t.after.Seconds())
		return
	}
	l.wait = min(max(l.wait*2, retryFirst), retryMost)
	l.next = time.Now().Add(l.wait)
	l.doubt = l.doubt || t.fate == unsure
	s.health.sending(inWords(o.err))
	s.log.Warn("telling did not work, trying again", "what", o.e.key, "rows", len(o.e.rows), "in", l.wait, "error", o.err)
}
