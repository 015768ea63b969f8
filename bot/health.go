package bot

import (
	"errors"
	"fmt"
	"sync"
)

// health records whether Slack can reach the bot, and what failed last.
type health struct {
	mu          sync.Mutex
	connections int // connected sockets, or listening HTTP servers
	self        error
	lastTrouble error
	sender      error
}

// up records that a connection is open.
func (h *health) up() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connections++
	h.lastTrouble = nil
}

func (h *health) down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connections = max(h.connections-1, 0)
}

// trouble records why a connection failed.
func (h *health) trouble(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastTrouble = err
}

// identity records whether Slack accepts the bot's token.
func (h *health) identity(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.self = err
}

// sending records whether messages can be sent.
func (h *health) sending(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sender = err
}

// ready returns nil if there is a connection. A message that can't be sent now
// waits in the outbox, which is no reason to take the bot out of service; a
// token that Slack refuses is.
func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.connections == 0 && h.lastTrouble != nil:
		return fmt.Errorf("not connected to Slack: %w", h.lastTrouble)
	case h.connections == 0:
		return errors.New("not connected to Slack yet")
	case h.self != nil && classify(h.self).code != "":
		return h.self
	case h.sender != nil && classify(h.sender).code != "":
		return fmt.Errorf("messages wait in the outbox: %w", h.sender)
	}
	return nil
}
