package workspace

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// These are the errors that a person sees if the app doesn't answer, in
// Slack's words.
var (
	// ErrTimeout means that the app didn't acknowledge in time.
	ErrTimeout = errors.New("operation_timeout")
	// ErrDispatch means that the app was unreachable or answered with an
	// error.
	ErrDispatch = errors.New("dispatch_failed")
)

// delivery is a payload for the app.
type delivery struct {
	kind    string // slash_commands, interactive or events_api
	payload object
	retry   int    // how often it was sent before
	reason  string // reason for the retry
}

// deliver sends d to the app once and returns the app's answer. Slack sends
// commands and clicks only once; deliverEvent sends events.
func (w *Workspace) deliver(ctx context.Context, d delivery) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.opts.AckTimeout, ErrTimeout)
	defer cancel()
	w.mu.Lock()
	base := w.requestURL
	twice := base != "" && w.hub.duplicate > 0
	if twice {
		w.hub.duplicate--
	}
	w.mu.Unlock()
	var answer json.RawMessage
	var err error
	if base != "" {
		answer, err = w.deliverHTTP(ctx, base, d)
		if twice {
			_, _ = w.deliverHTTP(ctx, base, d) // the first answer counts
		}
	} else {
		answer, err = w.deliverSocket(ctx, d)
	}
	if err != nil && context.Cause(ctx) != nil {
		return nil, context.Cause(ctx)
	}
	return answer, err
}

func (w *Workspace) deliverSocket(ctx context.Context, d delivery) (json.RawMessage, error) {
	id := secret()
	raw := must(json.Marshal(object{
		"envelope_id": id, "type": d.kind, "payload": d.payload, "accepts_response_payload": d.kind != "events_api",
		"retry_attempt": d.retry, "retry_reason": d.reason,
	}))
	acked := make(chan []byte, 1)
	w.mu.Lock()
	if len(w.hub.sockets) == 0 {
		w.mu.Unlock()
		return nil, fmt.Errorf("%w: the app has no open socket", ErrDispatch)
	}
	w.hub.pending[id] = acked
	targets, cut := w.route(raw)
	w.mu.Unlock()
	for _, s := range targets {
		if !w.isFrozen(s) {
			s.send(raw)
		}
	}
	if cut {
		_ = targets[0].conn.NetConn().Close()
	}
	select {
	case payload := <-acked:
		return payload, nil
	case <-ctx.Done():
		w.mu.Lock()
		delete(w.hub.pending, id)
		w.mu.Unlock()
		return nil, context.Cause(ctx)
	}
}

// route picks the sockets for this payload: any one, plus those that the
// faults require. The caller holds the lock.
func (w *Workspace) route(raw []byte) (targets []*socket, cut bool) {
	h := &w.hub
	pick := func() *socket {
		s := h.sockets[h.next%len(h.sockets)]
		h.next++
		return s
	}
	targets = append(targets, pick())
	if h.duplicate > 0 {
		h.duplicate--
		targets = append(targets, pick())
	}
	if h.redeliver > 0 {
		h.redeliver--
		h.again = append(h.again, raw)
	}
	if h.cutAfter > 0 {
		h.cutAfter--
		cut = true
	}
	return targets, cut
}

// deliverHTTP posts d to the app, signed, as Slack does in HTTP mode.
func (w *Workspace) deliverHTTP(ctx context.Context, base string, d delivery) (json.RawMessage, error) {
	path, kind, body := "/slack/events", "application/json", must(json.Marshal(d.payload))
	switch d.kind {
	case "slash_commands":
		form := url.Values{}
		for k, v := range d.payload {
			form.Set(k, fmt.Sprint(v))
		}
		path, kind, body = "/slack/commands", "application/x-www-form-urlencoded", []byte(form.Encode())
	case "interactive":
		form := url.Values{"payload": {string(body)}}
		path, kind, body = "/slack/interactions", "application/x-www-form-urlencoded", []byte(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDispatch, err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	w.sign(req, body)
	if d.retry > 0 {
		req.Header.Set("X-Slack-Retry-Num", strconv.Itoa(d.retry))
		req.Header.Set("X-Slack-Retry-Reason", d.reason)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDispatch, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: reading the app's answer: %w", ErrDispatch, err)
	case resp.StatusCode != http.StatusOK && resp.Header.Get("X-Slack-No-Retry") == "1":
		return nil, errNoRetry
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: the app answered %s", ErrDispatch, resp.Status)
	}
	if len(answer) > 0 && !json.Valid(answer) {
		return must(json.Marshal(object{"text": string(answer)})), nil
	}
	return answer, nil
}

var errNoRetry = fmt.Errorf("%w: the app asked for no retry", ErrDispatch)

func (w *Workspace) sign(req *http.Request, body []byte) {
	stamp := strconv.FormatInt(w.opts.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(w.opts.SigningSecret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, body) // a hash never fails
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// deliverEvent sends an event until the app acknowledges it or the retries are
// used up. Every attempt has the same event_id.
func (w *Workspace) deliverEvent(ctx context.Context, event object) error {
	payload := object{
		"token": "simulated", "team_id": teamID, "api_app_id": appID, "type": "event_callback", "event": event,
		"event_id": "Ev" + secret()[:10], "event_time": w.opts.Now().Unix(),
		"authorizations": []object{{"team_id": teamID, "user_id": BotUser, "is_bot": true}},
	}
	var err error
	reason := ""
	for attempt := 0; attempt <= len(w.opts.EventRetries); attempt++ {
		if attempt > 0 {
			select {
			case <-time.After(w.opts.EventRetries[attempt-1]):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, err = w.deliver(ctx, delivery{kind: "events_api", payload: payload, retry: attempt, reason: reason})
		if err == nil || ctx.Err() != nil || errors.Is(err, errNoRetry) {
			return err
		}
		reason = "connection_failed"
		if errors.Is(err, ErrTimeout) {
			reason = "http_timeout"
		}
	}
	return err
}
