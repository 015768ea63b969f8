package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/bot"
)

// withSockets starts a stage and waits until both of its sockets are open.
func withSockets(t *testing.T, tune func(*bot.Bot)) *stage {
	t.Helper()
	s := newStageWith(t, stageOptions{tune: tune})
	s.until("both sockets are open", func() bool { return s.ws.Sockets() == 2 })
	return s
}

func TestRenewedSocketLosesNoCommand(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"warning", "refresh_requested"} {
		s := withSockets(t, quickRetries)
		s.ws.Disconnect(reason)
		for i := 0; s.ws.Opened() < 4 || i < 100; i++ {
			if _, err := s.ws.Say(s.ctx, ann, prod, "/als status"); err != nil {
				t.Fatalf("%s: command %d was lost: %v", reason, i, err)
			}
			<-time.After(5 * time.Millisecond) // people are not faster
		}
	}
}

func TestRenewedSocketIsClosed(t *testing.T) {
	t.Parallel()
	s := withSockets(t, func(b *bot.Bot) { quickRetries(b); b.SetRenewalOverlap(100 * time.Millisecond) })
	opened := s.ws.Opened()
	s.ws.Disconnect("refresh_requested")
	s.until("the old ones are closed", func() bool { return s.ws.Opened() >= opened+2 && s.ws.Sockets() == 2 })
}

// checkPace fails if the bot asked for sockets more often than twice a second,
// apart from the four that it may ask for at once.
func (s *stage) checkPace(callsBefore int, began time.Time) {
	s.Helper()
	if n := s.ws.Calls("apps.connections.open") - callsBefore; n > 4+2*int(time.Since(began).Seconds()) {
		s.Errorf("the bot asked for a socket %d times within %v", n, time.Since(began))
	}
}

func TestTooManySocketsAreOpenedSlowly(t *testing.T) {
	t.Parallel()
	s := withSockets(t, nil)
	before, began := s.ws.Calls("apps.connections.open"), time.Now()
	for range 3 {
		s.ws.Disconnect("too_many_websockets")
	}
	s.checkPace(before, began)
	if _, err := s.ws.Say(s.ctx, ann, prod, "/als status"); err != nil {
		t.Error(err)
	}
}

func TestRefusedSocketsAreOpenedSlowly(t *testing.T) {
	t.Parallel()
	s := withSockets(t, nil)
	before, began := s.ws.Calls("apps.connections.open"), time.Now()
	s.ws.Disconnect("link_disabled")
	s.ws.CutSockets()
	s.until("the bot says why it is not ready", func() bool {
		return s.bot.Ready() != nil && strings.Contains(s.bot.Ready().Error(), "socket_mode_disabled")
	})
	s.checkPace(before, began)
}

func TestHalfOpenSocketIsNoticed(t *testing.T) {
	t.Parallel()
	s := withSockets(t, func(b *bot.Bot) { quickRetries(b); b.SetIdleTimeout(2 * time.Second) })
	if s.ws.FreezeSockets() == 0 {
		t.Fatal("no socket to freeze")
	}
	opened := s.ws.Opened()
	s.until("the bot opens another socket", func() bool { return s.ws.Opened() > opened })
}

func TestStopClosesSocketsProperly(t *testing.T) {
	t.Parallel()
	s := withSockets(t, quickRetries)
	s.stop()
	s.until("both are closed", func() bool { return len(s.ws.CloseCodes()) == 2 })
	if got := fmt.Sprint(s.ws.CloseCodes()); got != "[1000 1000]" {
		t.Errorf("closed with %s", got)
	}
}
