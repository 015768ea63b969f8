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
	maxBody        = 1 << 20
	maxHeaderBytes = 16 << 10
	readTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second
)

// listen serves what Slack delivers over HTTP, until ctx ends.
func (b *Bot) listen(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("listening for Slack on %s (http.listen): %w", b.cfg.HTTP.Listen, err)
	}
	server := &http.Server{
		Handler:        b.Handler(),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
		BaseContext:    func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	b.health.up()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-gctx.Done()
		b.health.down()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
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
	mux.HandleFunc("POST /slack/commands", b.signedOnly(parseForm))
	mux.HandleFunc("POST /slack/interactions", b.signedOnly(func(body []byte, fallbackID string) (delivery, error) {
		v, err := url.ParseQuery(string(body))
		if err != nil {
			return delivery{}, errPayload
		}
		return parseInteraction([]byte(v.Get("payload")), fallbackID)
	}))
	mux.HandleFunc("POST /slack/events", b.events)
	return mux
}

// signedOnly passes a body to parse only if Slack has signed it.
func (b *Bot) signedOnly(parse func(body []byte, fallbackID string) (delivery, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := b.signedBody(w, r)
		if !ok {
			return
		}
		d, err := parse(body, r.Header.Get(signatureHeader))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.serve(w, d)
	}
}

func (b *Bot) events(w http.ResponseWriter, r *http.Request) {
	body, ok := b.signedBody(w, r)
	if !ok {
		return
	}
	d, challenge, err := parseEvent(body)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case challenge != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, challenge) // a caller that hangs up asks again
	default:
		b.serve(w, d)
	}
}

const (
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
)

// signedBody reads the body and checks Slack's signature before anything else
// looks at it. If the signature is wrong, it answers the request itself.
func (b *Bot) signedBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		http.Error(w, "the body is too long", http.StatusRequestEntityTooLarge)
		return nil, false
	case err != nil:
		return nil, false // the connection is gone or too slow
	}
	if err := checkSignature(r.Header, body, b.cfg.Slack.SigningSecret.Reveal()); err != nil {
		b.log.Warn("a request that Slack has not signed", "from", r.RemoteAddr, "path", r.URL.Path, "error", err)
		http.Error(w, "not signed by Slack", http.StatusUnauthorized)
		return nil, false
	}
	return body, true
}

// checkSignature checks the signature of a request: one value in each header,
// at most five minutes old, over exactly these bytes.
func checkSignature(h http.Header, body []byte, secret string) error {
	if len(h.Values(signatureHeader)) != 1 || len(h.Values(timestampHeader)) != 1 {
		return errors.New("signature headers must be there once")
	}
	if strings.ContainsAny(h.Get(timestampHeader), "+- ") {
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

// serve handles a delivery and answers the request when it is acknowledged.
func (b *Bot) serve(w http.ResponseWriter, d delivery) {
	acked := make(chan json.RawMessage, 1)
	if !b.poolFor(d).submit(func(ctx context.Context) {
		b.handle(ctx, d, func(payload json.RawMessage) bool {
			select {
			case acked <- payload:
				return true
			default: // a second acknowledgement has no effect
				return false
			}
		})
	}) {
		payload, err := b.ackPayload(jobs.Answer{Bad: true, Text: textBusy})
		if err != nil || d.kind != kindCommand {
			http.Error(w, textBusy, http.StatusServiceUnavailable)
			return
		}
		acked <- payload
	}
	limit := time.NewTimer(askLimit + readTimeout)
	defer limit.Stop()
	select {
	case payload := <-acked:
		if len(payload) > 0 {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		_, _ = w.Write(payload) // a caller that hangs up needs no answer
	case <-limit.C:
		http.Error(w, textBusy, http.StatusServiceUnavailable)
	}
}
