package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"alsbot/jobs"
	"alsbot/runs"
)

// admin serves health and metrics over TCP, which reveal nothing about runs.
// It serves the local command line over a socket that only the bot's own user
// and root can open.
type admin struct {
	app     *App
	metrics *metrics
}

func newAdmin(a *App, m *metrics) *admin { return &admin{app: a, metrics: m} }

// stopWait is how long requests in progress may take when alsbot stops.
const stopWait = 2 * time.Second

func (ad *admin) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	if addr := ad.app.cfg.Admin.Listen; addr != "" {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("listening on %s (admin.listen): %w", addr, err)
		}
		g.Go(func() error { return serve(gctx, l, ad.health()) })
	}
	if path := ad.app.cfg.Admin.Socket; path != "" {
		l, err := listenSocket(ctx, path)
		if err != nil {
			return err
		}
		g.Go(func() error { return serve(gctx, l, ad.local()) })
	}
	g.Go(func() error { <-gctx.Done(); return nil })
	return g.Wait()
}

// listenSocket replaces a socket that an earlier bot left. The store's lock
// has already ruled out that another bot of this installation is alive.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("admin.socket: %s is there and is no socket: give another path, or move it away", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("taking over the socket %s (admin.socket): %w", path, err)
	}
	old := unix.Umask(0o177)
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listening on the socket %s (admin.socket): %w", path, err)
	}
	return l, nil
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ConnContext: withPeer,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
		defer cancel()
		stopped <- srv.Shutdown(sctx)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// health returns the handler for requests from outside the host.
func (ad *admin) health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := errors.Join(ad.app.store.Ready(), ad.app.bot.Ready()); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		say(w, http.StatusOK, "ready\n")
	})
	mux.Handle("GET /metrics", ad.metrics.handler())
	return mux
}

// local returns the handler for the command line's requests over the socket.
func (ad *admin) local() http.Handler {
	e := ad.app.engine
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Key, Text string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&q); err != nil {
			say(w, http.StatusBadRequest, "reading the request: "+err.Error()+"\n")
			return
		}
		ans, err := e.Ask(r.Context(), jobs.Ask{Key: "local/" + q.Key, By: peer(r), Text: q.Text})
		reply(w, ans, err)
	})
	mux.HandleFunc("GET /runs", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n < 1 {
			n = 20
		}
		list, err := ad.app.ledger.Recent(r.Context(), r.URL.Query().Get("cluster"), n)
		reply(w, list, err)
	})
	mux.HandleFunc("GET /runs/{id}", func(w http.ResponseWriter, r *http.Request) {
		run, _, err := ad.app.ledger.Load(r.Context(), r.PathValue("id"))
		reply(w, run, err)
	})
	mux.HandleFunc("GET /runs/{id}/output", func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := ad.app.ledger.Load(r.Context(), r.PathValue("id")); err != nil {
			reply(w, nil, err)
			return
		}
		if err := e.WriteOutput(r.Context(), r.PathValue("id"), w); err != nil {
			ad.app.log.Error("sending output to the command line", "error", err)
			panic(http.ErrAbortHandler) // a partial output must not look complete
		}
	})
	mux.HandleFunc("GET /snapshot", ad.snapshot)
	mux.HandleFunc("GET /watch", ad.watch)
	mux.HandleFunc("GET /reconcile", func(w http.ResponseWriter, r *http.Request) {
		found, err := ad.app.upkeep.Reconcile(r.Context())
		reply(w, found, err)
	})
	mux.Handle("GET /metrics", ad.metrics.handler())
	ad.auditRoutes(mux)
	return mux
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		code := http.StatusInternalServerError
		var nf *runs.NotFoundError
		if errors.As(err, &nf) {
			code = http.StatusNotFound
		}
		say(w, code, err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client may be gone
}
