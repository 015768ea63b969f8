package workspace

import "encoding/json"

// CutSockets ends every socket without a close frame, as a network failure
// does.
func (w *Workspace) CutSockets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.hub.sockets {
		_ = s.conn.NetConn().Close()
	}
}

// FreezeSockets makes the open sockets half-open: they stay connected and may
// receive payloads, but send nothing, and the workspace ignores what they
// send. It returns their number.
func (w *Workspace) FreezeSockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.hub.sockets {
		s.frozen = true
	}
	return len(w.hub.sockets)
}

// CutAfterDelivery cuts the socket of each of the next n payloads right after
// writing the payload, before the app can acknowledge it.
func (w *Workspace) CutAfterDelivery(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.cutAfter += n
}

// DuplicateDeliveries sends each of the next n payloads on a second socket
// too, or twice on the same one if there is no other.
func (w *Workspace) DuplicateDeliveries(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.duplicate += n
}

// RedeliverOnReconnect sends each of the next n payloads again, on the first
// socket that opens after it.
func (w *Workspace) RedeliverOnReconnect(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.redeliver += n
}

// Disconnect announces the end of every socket, with one of Slack's reasons:
// "warning", "refresh_requested", "link_disabled" or "too_many_websockets".
// The client must close. After link_disabled, no socket opens until
// EnableSockets.
func (w *Workspace) Disconnect(reason string) {
	w.mu.Lock()
	sockets := append([]*socket(nil), w.hub.sockets...)
	if reason == "link_disabled" {
		w.hub.disabled = true
	}
	w.mu.Unlock()
	for _, s := range sockets {
		if !w.isFrozen(s) {
			s.send(disconnect(reason))
		}
	}
}

// EnableSockets undoes link_disabled.
func (w *Workspace) EnableSockets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.disabled = false
}

func disconnect(reason string) []byte {
	return must(json.Marshal(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "simulated"}}))
}
