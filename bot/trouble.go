package bot

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// These are the waits between attempts to send what Slack did not accept.
const (
	retryFirst = time.Second
	retryMax   = 30 * time.Second
)

// fate is what an error of Slack means for the message.
type fate int

const (
	accepted    fate = iota // no error
	limited                 // too fast: send again later, not before
	notAccepted             // certainly not accepted: send again
	unknown                 // sent without an answer: Slack may have accepted it
	refused                 // never accepted in this form
)

// trouble is an error of Slack, classified.
type trouble struct {
	fate  fate
	code  string        // Slack's error code
	after time.Duration // of limited
}

// classify says what an error means. Retry freely only what Slack can't have
// accepted.
func classify(err error) trouble {
	if err == nil {
		return trouble{fate: accepted}
	}
	if errors.Is(err, errNobody) {
		return trouble{fate: refused, code: "nobody"}
	}
	if errors.Is(err, errNotSlackURL) {
		return trouble{fate: refused, code: "untrusted_url"}
	}
	var rate *slack.RateLimitedError
	if errors.As(err, &rate) {
		return trouble{fate: limited, after: max(rate.RetryAfter, time.Second)}
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		if status.Code >= 500 || status.Code == http.StatusRequestTimeout {
			return trouble{fate: notAccepted}
		}
		return trouble{fate: refused, code: fmt.Sprintf("http_%d", status.Code)}
	}
	var said slack.SlackErrorResponse
	if errors.As(err, &said) {
		return classifyCode(said.Err)
	}
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &op) && op.Op == "dial" || errors.As(err, &cert) || errors.As(err, &record) {
		return trouble{fate: notAccepted}
	}
	return trouble{fate: unknown}
}

// classifyCode classifies an error code. A refused token is not the message's
// fault: the message waits until the token is right.
func classifyCode(code string) trouble {
	switch code {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return trouble{fate: limited, after: retryMax}
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited",
		"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "ekm_access_denied":
		return trouble{fate: notAccepted, code: code}
	}
	return trouble{fate: refused, code: code}
}

// pauses records when Slack allows each method again.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// set forbids a method for d.
func (p *pauses) set(method string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = make(map[string]time.Time)
	}
	if t := time.Now().Add(d); t.After(p.until[method]) {
		p.until[method] = t
	}
}

// left returns how long a method is still forbidden.
func (p *pauses) left(method string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(time.Until(p.until[method]), 0)
}
