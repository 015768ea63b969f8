package bot

import (
	"errors"
	"fmt"
	"sync"
)

// health knows whether Slack can reach the bot, and the last that went wrong.
type health struct {
	mu     sync.Mutex
	ways   int // sockets that are connected, or listeners that listen
	self   error
	last   error
	sender error
}

// up notes a way by which Slack reaches the bot, down that it has gone;
// trouble notes why.
func (h *health) up() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ways++
	h.last = nil
}

func (h *health) down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ways = max(h.ways-1, 0)
}

// trouble notes why a way could not be had.
func (h *health) trouble(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = err
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
	case h.ways == 0 && h.last != nil:
		return fmt.Errorf("not connected to Slack: %w", h.last)
	case h.ways == 0:
		return errors.New("not connected to Slack yet")
	case h.self != nil && understand(h.self).code != "":
		return h.self
	case h.sender != nil && understand(h.sender).code != "":
		return fmt.Errorf("messages wait in the outbox: %w", h.sender)
	}
	return nil
}
