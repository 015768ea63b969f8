package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/app"
	"alsbot/config"
	"alsbot/sim/node"
	"alsbot/sim/scene"
	"alsbot/store"
)

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	os.Exit(m.Run())
}

const safety = 5 * time.Minute

// play starts a scene and returns the config of a bot in it that listens on a
// free port.
func play(t *testing.T) *config.Config {
	t.Helper()
	s, err := scene.Start(scene.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg, err := config.Load(s.Config, nil)
	if err != nil {
		t.Fatal(err)
	}
	// No other program takes a port of this address before the bot does.
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Admin.Listen = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// serve runs a bot until the test ends.
func serve(t *testing.T, cfg *config.Config) {
	t.Helper()
	a, err := app.New(cfg, slog.New(slog.DiscardHandler), app.Start{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// answer sends a request and returns the status and the body; 0 means no
// answer.
func answer(t *testing.T, c *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"Key":"k","Text":"whoami"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// becomes repeats a request until its answer has the status.
func becomes(t *testing.T, c *http.Client, url string, status int) string {
	t.Helper()
	limit := time.After(safety)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, body := answer(t, c, http.MethodGet, url)
		if got == status {
			return body
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s answers %d: %s", url, got, body)
		}
	}
}

// TCP serves health and metrics only: nothing about runs, and no commands.
// Those are behind a socket that only its owner can open.
func TestWhatAnswersWhere(t *testing.T) {
	cfg := play(t)
	serve(t, cfg)
	tcp, base := &http.Client{Timeout: safety}, "http://"+cfg.Admin.Listen
	becomes(t, tcp, base+"/readyz", http.StatusOK)
	if code, body := answer(t, tcp, http.MethodGet, base+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	code, body := answer(t, tcp, http.MethodGet, base+"/metrics")
	if code != http.StatusOK {
		t.Errorf("/metrics: %d %s", code, body)
	}
	for _, name := range []string{"alsbot_runs_open", "alsbot_outbox_rows", "alsbot_backup_max_age_seconds", "process_open_fds"} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	for _, q := range []string{"GET /", "POST /ask", "GET /runs", "GET /runs/x", "GET /runs/x/output", "GET /snapshot", "GET /audit", "GET /audit/export", "POST /audit/trusted", "GET /reconcile", "POST /metrics", "GET /debug/pprof/"} {
		method, path, _ := strings.Cut(q, " ")
		if code, body := answer(t, tcp, method, base+path); code != http.StatusNotFound && code != http.StatusMethodNotAllowed {
			t.Errorf("%s over TCP: %d %.200s", q, code, body)
		}
	}
	info, err := os.Stat(cfg.Admin.Socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket's mode is %s", info.Mode())
	}
	local := &http.Client{Timeout: safety, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", cfg.Admin.Socket)
	}}}
	defer local.CloseIdleConnections()
	if code, body := answer(t, local, http.MethodPost, "http://alsbot/ask"); code != http.StatusOK || !strings.Contains(body, "(command line)") {
		t.Errorf("asked by the socket: %d %s", code, body)
	}
	if code, body := answer(t, local, http.MethodGet, "http://alsbot/runs/nobody"); code != http.StatusNotFound || !strings.Contains(body, "Type `runs`") {
		t.Errorf("an unknown run: %d %s", code, body)
	}
}

// alsbot takes over the socket of a killed bot, but no other file.
func TestTheSocketsPath(t *testing.T) {
	cfg := play(t)
	cfg.Admin.Socket = filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(cfg.Admin.Socket, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(cfg, slog.New(slog.DiscardHandler), app.Start{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), safety)
	defer cancel()
	if err := a.Run(ctx); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("it started: %v", err)
	}
	if b, err := os.ReadFile(cfg.Admin.Socket); err != nil || string(b) != "data" {
		t.Errorf("the file is %q now, %v", b, err)
	}
	if err := os.Remove(cfg.Admin.Socket); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: cfg.Admin.Socket})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	serve(t, cfg)
	becomes(t, &http.Client{Timeout: safety}, "http://"+cfg.Admin.Listen+"/readyz", http.StatusOK)
}
