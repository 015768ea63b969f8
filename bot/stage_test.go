package bot_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"alsbot/bot"
	"alsbot/config"
	"alsbot/runs"
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

var (
	rowsOf      = store.Bucket[runs.Outgoing]{Name: "outbox"}
	runsOf      = store.Bucket[runs.Run]{Name: "runs"}
	placesOf    = store.Bucket[map[string]string]{Name: "messages"}
	approvalsOf = store.Bucket[runs.Approval]{Name: "approvals"}
)

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
		Scopes:   []string{"commands", "chat:write", "files:write", "usergroups:read", "app_mentions:read", "users:read", "im:write", "channels:read", "groups:read"},
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
