package workspace

import "encoding/json"

// CutSockets ends every socket without a close frame, as a network does.
func (w *Workspace) CutSockets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.hub.sockets {
		_ = s.conn.NetConn().Close()
	}
}

// FreezeSockets makes the open sockets half-open: they stay connected and may
// be given payloads, but nothing comes out of them and nothing is heard. It
// returns how many there are.
func (w *Workspace) FreezeSockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.hub.sockets {
		s.frozen = true
	}
	return len(w.hub.sockets)
}

// CutAfterDelivery cuts the socket that is given a payload as soon as it has
// been written, before it can be acknowledged, for the next n payloads.
func (w *Workspace) CutAfterDelivery(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.cutAfter += n
}

// DuplicateDeliveries sends the next n payloads on a second socket as well, or
// twice on the same one if there is no other.
func (w *Workspace) DuplicateDeliveries(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.duplicate += n
}

// RedeliverOnReconnect sends the next n payloads a second time, on the first
// socket that is opened after each of them.
func (w *Workspace) RedeliverOnReconnect(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.redeliver += n
}

// Disconnect announces the end of every socket, for one of Slack's reasons:
// "warning", "refresh_requested", "link_disabled" or "too_many_websockets".
// The client is expected to close. After link_disabled no socket can be opened
// until EnableSockets.
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
