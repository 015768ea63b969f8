package workspace

import (
	"net/http"
	"strconv"
)

// Fault is a way in which a call of the Web API fails.
type Fault struct {
	name       string
	status     int
	retryAfter int
	slackError string
	silent     bool
	cut        bool
	afterwards bool // executes the call first
}

// RateLimited answers 429 and asks the client to wait that many seconds.
func RateLimited(seconds int) Fault {
	return Fault{name: "ratelimited", status: http.StatusTooManyRequests, retryAfter: seconds, slackError: "ratelimited"}
}

// Status answers with a bare HTTP status, such as 503.
func Status(code int) Fault { return Fault{name: "HTTP " + strconv.Itoa(code), status: code} }

// Refused answers with one of Slack's error names, such as "fatal_error".
func Refused(slackError string) Fault {
	return Fault{name: slackError, status: http.StatusOK, slackError: slackError}
}

// NoAnswer reads the request and stays silent until the client gives up.
func NoAnswer() Fault { return Fault{name: "no answer", silent: true} }

// Cut closes the connection and does nothing.
func Cut() Fault { return Fault{name: "connection cut", cut: true} }

// AnswerLost executes the call and closes the connection instead of answering.
func AnswerLost() Fault { return Fault{name: "answer lost", cut: true, afterwards: true} }

type fault struct {
	Fault
	method string
	left   int
}

// Fail makes the next calls of a method fail; an empty method means any.
// Faults for the same method apply in the order in which they were set. The
// method "upload" means posts to upload URLs, "response_url" means posts to
// response URLs.
func (w *Workspace) Fail(method string, times int, f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &fault{Fault: f, method: method, left: times})
	w.touch()
}

// Outage is the state of everything that Slack serves.
type Outage int

// No outage; 503 for every request; every connection cut.
const (
	OutageOff Outage = iota
	Outage503
	OutageCut
)

// SetOutage starts or ends an outage of the Web API, response URLs and
// uploads. OutageCut also cuts the open sockets. The page stays up.
func (w *Workspace) SetOutage(o Outage) {
	w.mu.Lock()
	w.outage = o
	w.touch()
	w.mu.Unlock()
	if o == OutageCut {
		w.CutSockets()
	}
}

// Outage returns the present outage.
func (w *Workspace) Outage() Outage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outage
}

// MisdirectUploads makes upload URLs name another host than the API's. A
// client must not send its token there.
func (w *Workspace) MisdirectUploads(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.badUpload = on
}

// trouble consumes and returns the fault that applies to this call, or nil.
func (w *Workspace) trouble(method string) *Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.outage {
	case Outage503:
		f := Status(http.StatusServiceUnavailable)
		return &f
	case OutageCut:
		f := Cut()
		return &f
	case OutageOff:
	}
	for i, f := range w.faults {
		if f.left > 0 && (f.method == "" || f.method == method) {
			f.left--
			if f.left == 0 {
				w.faults = append(w.faults[:i:i], w.faults[i+1:]...)
			}
			return &f.Fault
		}
	}
	return nil
}

func (f *Fault) answer(rw http.ResponseWriter, r *http.Request, w *Workspace) {
	switch {
	case f.silent:
		select {
		case <-r.Context().Done():
		case <-w.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case f.cut:
		panic(http.ErrAbortHandler) // makes net/http close without an answer
	}
	if f.retryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	if f.slackError != "" {
		reply(rw, f.status, object{"ok": false, "error": f.slackError})
		return
	}
	http.Error(rw, http.StatusText(f.status), f.status)
}
