package bot_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

const (
	prod     = "C0PROD"
	approve  = "C0APPROVE"
	away     = "C0AWAY" // the bot is not a member
	ann      = "U0ANN"
	ben      = "U0BEN"
	botToken = "xoxb-simulated-token"
	appToken = "xapp-simulated-token"
	signing  = "simulated-signing-secret"
)

// engine is a scripted jobs.Engine over a real store: it returns the answers
// that a test sets, and its outbox is real.
type engine struct {
	st       store.Store
	progress chan string

	mu        sync.Mutex
	asked     []jobs.Ask
	pressed   []string
	answer    func(jobs.Ask) (jobs.Answer, error)
	press     func(run string, approve bool, by jobs.Principal) (jobs.Answer, error)
	seq       uint64
	file      nodeFile
	beforeAck func(store.Tx) // runs after sending, before the row is deleted

	unreadable error // what reading a run's output returns
}

var (
	rowsOf      = store.Bucket[jobs.Outgoing]{Name: "outbox"}
	runsOf      = store.Bucket[jobs.Run]{Name: "runs"}
	placesOf    = store.Bucket[map[string]string]{Name: "messages"}
	approvalsOf = store.Bucket[jobs.Approval]{Name: "approvals"}
)

func (e *engine) Ask(_ context.Context, a jobs.Ask) (jobs.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := slices.ContainsFunc(e.asked, func(b jobs.Ask) bool { return b.Key == a.Key })
	if !known {
		e.asked = append(e.asked, a)
	}
	if e.answer == nil {
		return jobs.Answer{Text: "heard " + a.Text}, nil
	}
	return e.answer(a)
}

func (e *engine) Press(_ context.Context, run string, approve bool, by jobs.Principal) (jobs.Answer, error) {
	e.mu.Lock()
	e.pressed = append(e.pressed, fmt.Sprint(run, " ", approve, " ", by.ID))
	press := e.press
	e.mu.Unlock()
	if press == nil {
		return jobs.Answer{Text: "Your decision counts."}, nil
	}
	return press(run, approve, by)
}

func (e *engine) Reject(_ context.Context, run, why string, by jobs.Principal) (jobs.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pressed = append(e.pressed, fmt.Sprint(run, " false ", by.ID, " ", why))
	return jobs.Answer{Text: "Rejected."}, nil
}

func (e *engine) MayReject(ctx context.Context, run string, _ jobs.Principal) (jobs.Run, bool, error) {
	r, _, err := e.Get(ctx, run)
	return r, err == nil, err
}

func (e *engine) Get(ctx context.Context, id string) (r jobs.Run, a *jobs.Approval, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		var ok bool
		if r, ok, err = runsOf.Get(tx, id); err != nil {
			return err
		}
		if !ok {
			return &jobs.NotFoundError{ID: id}
		}
		some, ok, err := approvalsOf.Get(tx, id)
		if ok {
			a = &some
		}
		return err
	})
	return r, a, err
}

func (e *engine) Output(ctx context.Context, id string, max int) ([]byte, int64, error) {
	if e.unreadable != nil {
		return nil, 0, e.unreadable
	}
	size, err := e.st.BlobSize(ctx, id)
	if err != nil || size == 0 {
		return nil, 0, err
	}
	p := make([]byte, min(int64(max), size))
	_, err = e.st.ReadBlob(ctx, id, size-int64(len(p)), p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p, size, err
}

func (e *engine) WriteOutput(ctx context.Context, id string, w io.Writer) error {
	p := make([]byte, 64<<10)
	for off := int64(0); ; {
		n, err := e.st.ReadBlob(ctx, id, off, p)
		if _, werr := w.Write(p[:n]); werr != nil {
			return werr
		}
		off += int64(n)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (e *engine) UnderWay(ctx context.Context) (open []jobs.Run, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		return runsOf.Scan(tx, store.Range{}, func(_ string, r jobs.Run) bool {
			if !r.State.Final() && r.Effect != als.Read {
				open = append(open, r)
			}
			return true
		})
	})
	return open, err
}

func (e *engine) Waiting(context.Context, string) (string, error) { return "next in line", nil }
func (e *engine) Progress() <-chan string                         { return e.progress }

func (e *engine) Outbox(ctx context.Context, n int) (rows []jobs.Outgoing, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		return rowsOf.Scan(tx, store.Range{}, func(_ string, r jobs.Outgoing) bool {
			rows = append(rows, r)
			return len(rows) < n
		})
	})
	return rows, err
}

func (e *engine) OutboxChanged(ctx context.Context) <-chan struct{} {
	return e.st.Watch(ctx, rowsOf.Name)
}

func (e *engine) Told(tx store.Tx, row jobs.Outgoing) error {
	if e.beforeAck != nil {
		e.beforeAck(tx)
	}
	return rowsOf.Delete(tx, fmt.Sprintf("%08d", row.Seq))
}

// set stores a run and puts rows of these kinds into the outbox.
func (e *engine) set(t *testing.T, r jobs.Run, kinds ...jobs.Kind) {
	t.Helper()
	err := e.st.Update(t.Context(), func(tx store.Tx) error {
		if err := runsOf.Put(tx, r.ID, r); err != nil {
			return err
		}
		for _, k := range kinds {
			if err := e.put(tx, jobs.Outgoing{Kind: k, Run: r.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (e *engine) setApproval(t *testing.T, r jobs.Run, a jobs.Approval) {
	t.Helper()
	if err := e.st.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(runsOf.Put(tx, r.ID, r), approvalsOf.Put(tx, r.ID, a), e.put(tx, jobs.Outgoing{Kind: jobs.TellApproval, Run: r.ID}))
	}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) tell(t *testing.T, rows ...jobs.Outgoing) {
	t.Helper()
	if err := e.st.Update(t.Context(), func(tx store.Tx) error {
		for _, r := range rows {
			if err := e.put(tx, r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) put(tx store.Tx, row jobs.Outgoing) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	row.Seq, row.At = e.seq, cmp.Or(row.At, time.Now())
	return rowsOf.Put(tx, fmt.Sprintf("%08d", row.Seq), row)
}

func (e *engine) asks() []jobs.Ask {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func (e *engine) presses() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.pressed)
}

// stage is a workspace, a bot in it, and the scripted engine behind the bot.
type stage struct {
	*testing.T
	ws     *workspace.Workspace
	engine *engine
	bot    *bot.Bot
	client *bot.Client
	cfg    *config.Config
	ctx    context.Context
	stop   func()
	tune   func(*bot.Bot) // before the bot runs
	log    slog.Handler   // nil for none
}

// stageOptions changes how a stage is set up; nil changes nothing.
type stageOptions struct {
	config    func(*config.Config)
	workspace func(*workspace.Options)
	tune      func(*bot.Bot) // before the bot runs
}

// quickRetries makes a bot retry, and open its second socket, without the
// pauses that a real Slack needs.
func quickRetries(b *bot.Bot) {
	b.SetRetryFirst(20 * time.Millisecond)
	b.SetStagger(20 * time.Millisecond)
}

// newStage starts a workspace and a bot that retries quickly. change may alter
// the config before the bot runs.
func newStage(t *testing.T, change func(*config.Config)) *stage {
	t.Helper()
	return newStageWith(t, stageOptions{config: change, tune: quickRetries})
}

// newStageWith starts a workspace and a bot, with the pauses of a real one
// unless o says otherwise.
func newStageWith(t *testing.T, o stageOptions) *stage {
	t.Helper()
	opts := workspace.Options{
		Users: []workspace.User{{ID: ann, Name: "ann"}, {ID: ben, Name: "ben"}},
		Channels: []workspace.Channel{{ID: prod, Name: "prod"}, {ID: approve, Name: "approve"},
			{ID: away, Name: "away", BotAbsent: true, Private: true}},
		Groups:   []workspace.Group{{ID: "S0LEADS", Handle: "leads", Members: []string{ben}}},
		Scopes:   []string{"commands", "chat:write", "files:write", "usergroups:read", "app_mentions:read", "channels:read", "groups:read"},
		BotToken: botToken, AppToken: appToken, SigningSecret: signing,
		AckTimeout: 10 * time.Second, TriggerLife: 30 * time.Second, // Slack's own three seconds are not under test
	}
	if o.workspace != nil {
		o.workspace(&opts)
	}
	ws := workspace.New(opts)
	if err := ws.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ws.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range ws.Violations() {
			t.Error("Slack would not have taken this:", v)
		}
	})
	cfg := &config.Config{
		Slack:    config.Slack{Mode: "socket", AppToken: appToken, BotToken: botToken, SigningSecret: signing, APIURL: ws.APIURL(), Command: "/als"},
		HTTP:     config.HTTP{Listen: freeAddr(t)},
		Clusters: []config.Cluster{{Name: "prod", Channel: prod, Approvals: approve}},
	}
	if o.config != nil {
		o.config(cfg)
	}
	st, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stage{T: t, ws: ws, cfg: cfg, tune: o.tune, engine: &engine{st: st, progress: make(chan string, 64)}}
	s.ctx = patience(t)
	s.start()
	return s
}

// start runs a new bot until stop is called or the test ends.
func (s *stage) start() {
	s.Helper()
	log := slog.New(slog.DiscardHandler)
	if s.log != nil {
		log = slog.New(s.log)
	}
	var err error
	if s.client, err = bot.Dial(s.cfg.Slack, log); err != nil {
		s.Fatal(err)
	}
	s.bot = bot.New(s.cfg, s.client, s.engine, s.engine.st, log)
	if s.tune != nil {
		s.tune(s.bot)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	done := make(chan struct{})
	b := s.bot
	go func() {
		defer close(done)
		if err := b.Run(ctx); err != nil {
			s.Error("the bot ended:", err)
		}
	}()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	s.stop = stop
	s.Cleanup(stop)
	if s.cfg.Slack.Mode == "http" {
		s.ws.SetRequestURL("http://" + s.cfg.HTTP.Listen)
	}
	s.until("the bot is ready", func() bool { return b.Ready() == nil })
}

// until waits until the workspace or the bot has made cond true.
func (s *stage) until(what string, cond func() bool) {
	s.Helper()
	for !cond() {
		select {
		case <-s.ctx.Done():
			s.Fatalf("it never came to this: %s\n%s", what, s.ws.Transcript(prod))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// waitAllSent waits until everything in the outbox has been sent.
func (s *stage) waitAllSent() {
	s.Helper()
	s.until("the outbox is empty", func() bool {
		rows, err := s.engine.Outbox(s.ctx, 10)
		return err == nil && len(rows) == 0
	})
}

// patience returns a context that limits how long a test waits: a machine may
// be busy.
func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// freeAddr returns an address where nothing listens. No other program uses this
// loopback address, so none can take the port before the test does.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

var asked = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// newRun returns a run of patch install on prod that ann requested in channel.
func newRun(id string, state jobs.State, channel string) jobs.Run {
	return jobs.Run{
		ID: id, Text: "patch install @prod", State: state, Effect: als.Restart, Asked: asked,
		Request: als.Request{Operation: "patch install", Cluster: "prod"},
		By:      jobs.Principal{Source: jobs.FromSlack, ID: ann},
		Origin:  jobs.Origin{Channel: channel},
		Digest:  "0123456789abcdef0123456789abcdef",
	}
}
