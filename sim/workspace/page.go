package workspace

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load nothing from elsewhere and run only its own
// script, even if a message got past the escaping.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (w *Workspace) pageRoutes(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // can't fail: the directory is embedded
	}
	static := http.FileServerFS(files)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Security-Policy", pagePolicy)
		rw.Header().Set("X-Content-Type-Options", "nosniff")
		rw.Header().Set("Referrer-Policy", "no-referrer")
		rw.Header().Set("Cache-Control", "no-cache")
		static.ServeHTTP(rw, r)
	})
	mux.HandleFunc("GET /page/events", w.pageEvents)
	mux.HandleFunc("GET /page/suggest", w.pageSuggest)
	mux.HandleFunc("GET /page/file", w.pageFile)
	mux.HandleFunc("POST /page/say", onPost(func(ctx context.Context, a action) (Ack, error) {
		return w.SayInThread(ctx, a.User, a.Channel, a.Thread, a.Text)
	}))
	mux.HandleFunc("POST /page/act", onPost(func(ctx context.Context, a action) (Ack, error) {
		return w.Choose(ctx, a.User, a.Channel, a.TS, a.Action, a.Values...)
	}))
	mux.HandleFunc("POST /page/view", onPost(func(ctx context.Context, a action) (Ack, error) {
		return w.PressView(ctx, a.User, a.View, a.Action, a.Values...)
	}))
	mux.HandleFunc("POST /page/submit", onPost(func(ctx context.Context, a action) (Ack, error) {
		return w.Submit(ctx, a.User, a.Form)
	}))
	mux.HandleFunc("POST /page/close", onPost(func(ctx context.Context, a action) (Ack, error) {
		return Ack{}, w.CloseModal(ctx, a.User)
	}))
	mux.HandleFunc("POST /page/home", onPost(func(ctx context.Context, a action) (Ack, error) {
		return Ack{}, w.OpenHome(ctx, a.User)
	}))
	mux.HandleFunc("POST /page/control", onPost(func(ctx context.Context, a action) (Ack, error) {
		return Ack{}, w.control(ctx, a.Control)
	}))
}

// action is what a person did on the page.
type action struct {
	User, Channel, Thread, TS, Text string
	View, Action                    string
	Values                          []string
	Form                            map[string][]string
	Control                         string
}

// onPost handles a post of the page. A page of another site can't send one:
// its Origin is refused, and a form can't have this content type.
func onPost(do func(context.Context, action) (Ack, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			http.Error(rw, "JSON is expected", http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20))
		var a action
		if err == nil {
			err = json.Unmarshal(body, &a)
		}
		if err != nil {
			http.Error(rw, "this is no JSON: "+err.Error(), http.StatusBadRequest)
			return
		}
		ack, err := do(r.Context(), a)
		out := object{"ok": err == nil, "ts": ack.TS}
		if err != nil {
			out["error"] = err.Error()
		}
		reply(rw, http.StatusOK, out)
	}
}

func (w *Workspace) control(ctx context.Context, name string) error {
	for _, c := range w.opts.Controls {
		if c.Name == name {
			err := c.Do(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.touch()
			return err
		}
	}
	return fmt.Errorf("no control %q", name)
}

func (w *Workspace) pageSuggest(rw http.ResponseWriter, r *http.Request) {
	list := []Suggestion{}
	if w.opts.Suggest != nil {
		list = append(list, w.opts.Suggest(r.URL.Query().Get("text"))...)
	}
	reply(rw, http.StatusOK, list)
}

// pageFile serves a shared file as text, never as something that a browser
// runs.
func (w *Workspace) pageFile(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f := w.files[r.URL.Query().Get("id")]
	w.mu.Unlock()
	if f == nil || !f.shared {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, _ = rw.Write(f.content)
}
