package workspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	teamID = "T0SIM"
	appID  = "A0ALSBOT"
	// BotUser is the user ID of the bot, as mentions name it.
	BotUser = "U0ALSBOT"
	botID   = "B0ALSBOT"
)

// Workspace is a simulated Slack. It is safe for concurrent use.
type Workspace struct {
	opts Options
	mux  *http.ServeMux
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup // everything that Close waits for

	mu      sync.Mutex
	base    string // http://127.0.0.1:port, once started
	server  *http.Server
	rev     uint64        // of the last change; every visible thing carries the rev of its own change
	changed chan struct{} // closed and replaced at each change
	lastTS  int64         // microseconds

	names     *directory
	groups    map[string]*Group
	channels  map[string]*channel
	order     []string // channel IDs in listing order
	views     map[string]*view
	modals    map[string][]*view // by user: the stack, top last
	homes     map[string]*view   // by user
	uploads   map[string]*upload // by the secret in the upload URL
	files     map[string]*file
	triggers  map[string]*trigger
	responses map[string]*responseURL

	hub        hub
	requestURL string
	faults     []*fault
	outage     Outage
	badUpload  bool
	calls      []Call
	violations []string
}

// New returns a workspace that isn't started yet.
func New(o Options) *Workspace {
	o = o.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	w := &Workspace{
		opts: o, ctx: ctx, stop: stop, rev: 1, changed: make(chan struct{}), requestURL: o.RequestURL,
		groups: map[string]*Group{}, channels: map[string]*channel{},
		views: map[string]*view{}, modals: map[string][]*view{}, homes: map[string]*view{},
		uploads: map[string]*upload{}, files: map[string]*file{},
		triggers: map[string]*trigger{}, responses: map[string]*responseURL{},
		hub: hub{tickets: map[string]bool{}, pending: map[string]chan []byte{}, answers: map[string]bool{}},
	}
	w.names = newDirectory(o)
	for _, g := range o.Groups {
		w.groups[g.ID] = &g
	}
	for _, c := range o.Channels {
		w.addChannel(c)
	}
	w.mux = w.routes()
	return w
}

// Start serves the workspace on addr until Close. It refuses any address
// except a loopback one: everyone who reaches the page can act as any person.
func (w *Workspace) Start(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("reading the workspace's address %q: %w", addr, err)
	}
	if !loopback(host) {
		return fmt.Errorf("the simulated workspace serves this machine only: %q is not a loopback address, use 127.0.0.1", host)
	}
	l, err := new(net.ListenConfig).Listen(w.ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the simulated workspace: %w", err)
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	w.mu.Lock()
	w.base, w.server = "http://"+l.Addr().String(), server
	w.mu.Unlock()
	w.work.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.violate("serving the workspace: %v", err)
		}
	})
	return nil
}

// URL returns the address of the page, without a trailing slash.
func (w *Workspace) URL() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base
}

// APIURL returns the address that replaces https://slack.com/api/ in a client.
func (w *Workspace) APIURL() string { return w.URL() + "/api/" }

// SetRequestURL sets the app's base address in HTTP mode; empty returns to
// Socket Mode. The app often learns its port only after the workspace runs.
func (w *Workspace) SetRequestURL(base string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requestURL = base
}

// Close cuts every connection and waits until the workspace's goroutines end.
func (w *Workspace) Close() error {
	w.mu.Lock()
	w.stop()
	server := w.server
	w.mu.Unlock()
	w.CutSockets()
	var err error
	if server != nil {
		err = server.Close()
	}
	w.work.Wait()
	return err
}

func (w *Workspace) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", w.serveAPI)
	mux.HandleFunc("GET /link/", w.serveSocket)
	mux.HandleFunc("POST /response/{secret}", w.serveResponseURL)
	mux.HandleFunc("POST /upload/v1/{secret}", w.serveUpload)
	mux.HandleFunc("GET /files/{id}/{name}", w.serveFile)
	w.pageRoutes(mux)
	return mux
}

// ServeHTTP answers requests that use a loopback name. A foreign Host header
// is DNS rebinding, and a foreign Origin is a script of another page:
// ServeHTTP refuses both before it does anything else.
func (w *Workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !loopback(hostOnly(r.Host)) {
		http.Error(rw, "the simulated workspace answers to 127.0.0.1 and localhost only", http.StatusForbidden)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && !ownOrigin(origin, r) {
		http.Error(rw, "requests from other pages are refused", http.StatusForbidden)
		return
	}
	w.mux.ServeHTTP(rw, r)
}

// ownOrigin also accepts https://api.slack.com on the socket's address. Socket
// Mode clients send that origin, and the address holds a one-time ticket.
func ownOrigin(origin string, r *http.Request) bool {
	if r.URL.Path == "/link/" && origin == "https://api.slack.com" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && u.Host == r.Host
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
