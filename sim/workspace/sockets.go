package workspace

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets = 10
	// maxAck is the size from which Slack silently drops an acknowledgement.
	maxAck = 20 * 1024
	// approximateConnection is a socket's lifetime as Slack announces it, in
	// seconds.
	approximateConnection = 18060
)

// hub holds the open sockets of the app. The workspace's lock guards it.
type hub struct {
	sockets  []*socket
	next     int // index of the next socket to use
	tickets  map[string]bool
	pending  map[string]chan []byte // envelopes that wait for acknowledgement
	answers  map[string]bool        // whether a payload may answer them
	opened   int                    // sockets that received a hello
	closes   []int
	disabled bool

	duplicate, redeliver, cutAfter int // deliveries left to treat this way
	again                          [][]byte
}

type socket struct {
	conn *websocket.Conn
	done chan struct{}

	write  sync.Mutex
	frozen bool // guarded by the workspace's lock
}

// send writes one text frame. It ignores an error: the socket is then gone,
// and its reader notices.
func (s *socket) send(raw []byte) {
	s.write.Lock()
	defer s.write.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_ = s.conn.WriteMessage(websocket.TextMessage, raw)
}

func (w *Workspace) connectionsOpen(params) (object, error) {
	if w.hub.disabled {
		return nil, refuse("socket_mode_disabled")
	}
	ticket := secret()
	w.hub.tickets[ticket] = true
	return object{"url": "ws" + strings.TrimPrefix(w.base, "http") + "/link/?ticket=" + ticket + "&app_id=" + appID}, nil
}

func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	w.mu.Lock()
	ok := w.hub.tickets[ticket] && w.outage == OutageOff
	delete(w.hub.tickets, ticket)
	w.mu.Unlock()
	if !ok {
		http.Error(rw, "this socket address is unknown or was used before", http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // ServeHTTP has checked it
	conn, err := upgrader.Upgrade(rw, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s := &socket{conn: conn, done: make(chan struct{})}
	if !w.register(s) {
		s.send(disconnect("too_many_websockets"))
		_ = conn.Close()
		return
	}
	defer w.work.Done()
	w.work.Go(func() { w.ping(s) })
	w.read(s)
}

// register adds the socket, sends hello on it, and redelivers what is due. It
// refuses a socket beyond the limit.
func (w *Workspace) register(s *socket) bool {
	w.mu.Lock()
	if len(w.hub.sockets) >= maxSockets || w.ctx.Err() != nil {
		w.mu.Unlock()
		return false
	}
	w.work.Add(1) // under the lock and after the check of ctx: Close may be waiting
	w.hub.sockets = append(w.hub.sockets, s)
	hello := must(json.Marshal(object{
		"type": "hello", "num_connections": len(w.hub.sockets), "connection_info": object{"app_id": appID},
		"debug_info": object{"host": "simulated", "build_number": 1, "approximate_connection_time": approximateConnection},
	}))
	again := w.hub.again
	w.hub.again = nil
	w.mu.Unlock()
	s.send(hello)
	for _, raw := range again {
		s.send(raw)
	}
	w.mu.Lock()
	w.hub.opened++
	w.touch()
	w.mu.Unlock()
	return true
}

func (w *Workspace) ping(s *socket) {
	tick := time.NewTicker(w.opts.PingInterval)
	defer tick.Stop()
	for {
		if !w.isFrozen(s) {
			_ = s.conn.WriteControl(websocket.PingMessage, []byte("Ping from the simulated workspace"), time.Now().Add(5*time.Second))
		}
		select {
		case <-tick.C:
		case <-s.done:
			return
		}
	}
}

func (w *Workspace) isFrozen(s *socket) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.frozen
}

// read receives acknowledgements until the socket ends. It reads a frozen
// socket too, to notice its end, but ignores what arrives.
func (w *Workspace) read(s *socket) {
	defer w.unregister(s)
	s.conn.SetReadLimit(1 << 20)
	answerPing, answerClose := s.conn.PingHandler(), s.conn.CloseHandler()
	s.conn.SetPingHandler(func(data string) error {
		if w.isFrozen(s) {
			return nil
		}
		return answerPing(data)
	})
	s.conn.SetCloseHandler(func(code int, text string) error {
		if w.isFrozen(s) {
			return nil
		}
		w.closed(code)
		return answerClose(code, text)
	})
	for {
		_, raw, err := s.conn.ReadMessage()
		if err != nil {
			if !websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived) {
				w.closed(websocket.CloseAbnormalClosure)
			}
			return
		}
		if !w.isFrozen(s) {
			w.acknowledged(raw)
		}
	}
}

func (w *Workspace) closed(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.closes = append(w.hub.closes, code)
}

func (w *Workspace) unregister(s *socket) {
	close(s.done)
	_ = s.conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.sockets = slices.DeleteFunc(w.hub.sockets, func(other *socket) bool { return other == s })
	w.touch()
}

func (w *Workspace) acknowledged(raw []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if json.Unmarshal(raw, &ack) != nil || ack.EnvelopeID == "" {
		w.violateLocked("a socket message that is no acknowledgement: %.200s", raw)
		return
	}
	if len(raw) >= maxAck {
		w.violateLocked("an acknowledgement of %d bytes: Slack drops those of %d and more", len(raw), maxAck)
		return
	}
	waiting := w.hub.pending[ack.EnvelopeID]
	if waiting == nil {
		return // late, or the second one of a duplicate
	}
	delete(w.hub.pending, ack.EnvelopeID)
	waiting <- ack.Payload
}

// Sockets returns the number of open sockets, including half-open ones.
func (w *Workspace) Sockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.hub.sockets)
}

// Opened returns the number of sockets that ever received a hello. It grows
// when the app reconnects.
func (w *Workspace) Opened() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.opened
}

// CloseCodes returns how the sockets ended: the code of the client's close
// frame, or 1006 if there was none.
func (w *Workspace) CloseCodes() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.hub.closes)
}
