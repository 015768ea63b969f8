package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"alsbot/jobs"
)

const (
	maxBody   = 1 << 20
	maxHeads  = 16 << 10
	readTime  = 5 * time.Second
	writeTime = 10 * time.Second
)

// listen takes in what Slack delivers over HTTP, until ctx ends.
func (b *Bot) listen(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("listening for Slack on %s (http.listen): %w", b.cfg.HTTP.Listen, err)
	}
	server := &http.Server{
		Handler:        b.Handler(),
		ReadTimeout:    readTime,
		WriteTimeout:   writeTime,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: maxHeads,
		ErrorLog:       slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
		BaseContext:    func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	b.health.up()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-gctx.Done()
		b.health.down()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		if err := server.Shutdown(last); err != nil {
			return server.Close()
		}
		return nil
	})
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("listening for Slack on %s (http.listen): %w", b.cfg.HTTP.Listen, err)
		}
		return nil
	})
	return g.Wait()
}

// Handler serves the three addresses that Slack calls in HTTP mode.
func (b *Bot) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/commands", b.verified(parseForm))
	mux.HandleFunc("POST /slack/interactions", b.verified(func(body []byte, spare string) (delivery, error) {
		v, err := url.ParseQuery(string(body))
		if err != nil {
			return delivery{}, errPayload
		}
		return parseInteraction([]byte(v.Get("payload")), spare)
	}))
	mux.HandleFunc("POST /slack/events", b.events)
	return mux
}

// verified hands a body to parse only when Slack has signed it.
func (b *Bot) verified(parse func(body []byte, spare string) (delivery, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := b.genuine(w, r)
		if !ok {
			return
		}
		d, err := parse(body, r.Header.Get(headSignature))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.serve(w, d)
	}
}

func (b *Bot) events(w http.ResponseWriter, r *http.Request) {
	body, ok := b.genuine(w, r)
	if !ok {
		return
	}
	d, challenge, err := parseEvent(body, b.client.botUser())
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case challenge != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, challenge) // who hangs up asks again
	default:
		b.serve(w, d)
	}
}

const (
	headSignature = "X-Slack-Signature"
	headTimestamp = "X-Slack-Request-Timestamp"
)

// genuine reads the body and checks Slack's signature over it. What is not
// genuine is answered here, before anything of it is looked at.
func (b *Bot) genuine(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		http.Error(w, "the body is too long", http.StatusRequestEntityTooLarge)
		return nil, false
	case err != nil:
		return nil, false // the connection is gone or too slow
	}
	if err := signed(r.Header, body, b.cfg.Slack.SigningSecret.Reveal()); err != nil {
		b.log.Warn("a request that Slack has not signed", "from", r.RemoteAddr, "path", r.URL.Path, "error", err)
		http.Error(w, "not signed by Slack", http.StatusUnauthorized)
		return nil, false
	}
	return body, true
}

// signed checks the signature of a request: one value of each header, five
// minutes old at most, over exactly these bytes.
func signed(h http.Header, body []byte, secret string) error {
	if len(h.Values(headSignature)) != 1 || len(h.Values(headTimestamp)) != 1 {
		return errors.New("signature headers must be there once")
	}
	if strings.ContainsAny(h.Get(headTimestamp), "+- ") {
		return errors.New("the timestamp is not a number")
	}
	v, err := slack.NewSecretsVerifier(h, secret)
	if err != nil {
		return err
	}
	if _, err := v.Write(body); err != nil {
		return err
	}
	return v.Ensure()
}

// serve works on a delivery and answers the request when it is acknowledged.
func (b *Bot) serve(w http.ResponseWriter, d delivery) {
	acked := make(chan json.RawMessage, 1)
	if !b.poolFor(d).take(func(ctx context.Context) {
		b.handle(ctx, d, func(payload json.RawMessage) bool {
			select {
			case acked <- payload:
				return true
			default: // a second acknowledgement has no effect
				return false
			}
		})
	}) {
		payload, err := b.ackPayload(jobs.Answer{Bad: true, Text: sayBusy})
		if err != nil || d.kind != aCommand {
			http.Error(w, sayBusy, http.StatusServiceUnavailable)
			return
		}
		acked <- payload
	}
	limit := time.NewTimer(askLimit + readTime)
	defer limit.Stop()
	select {
	case payload := <-acked:
		if len(payload) > 0 {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		_, _ = w.Write(payload) // who hangs up has no use for it
	case <-limit.C:
		http.Error(w, sayBusy, http.StatusServiceUnavailable)
	}
}
