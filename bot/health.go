package bot

import (
	"errors"
	"fmt"
	"sync"
)

// health knows whether Slack can reach the bot, and the last that went wrong.
type health struct {
	mu          sync.Mutex
	connections int // sockets that are connected, or listeners that listen
	self        error
	lastTrouble error
	sender      error
}

// up notes a way by which Slack reaches the bot, down that it has gone;
// trouble notes why.
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

// trouble notes why a way could not be had.
func (h *health) trouble(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastTrouble = err
}

// identity notes whether Slack takes the bot's token.
func (h *health) identity(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.self = err
}

// sending notes whether messages can be sent.
func (h *health) sending(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sender = err
}

// ready is nil when there is a way in. That something cannot be sent just
// now waits in the outbox and is no reason to take the bot out of service;
// that the token is wrong is.
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
