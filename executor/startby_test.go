package executor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// A command that can't have arrived ends at its StartBy, whatever its node
// does.
func TestRunNotBegunWhenUnreachableUntilStartBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		executor.DialWith(x, func(context.Context, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
		})
		l := newSink()
		by := time.Now().Add(10 * time.Minute)
		exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true"), StartBy: by}, l)
		if err != nil || exit.State != executor.NotBegun || exit.Why == "" || l.happened() != "link" {
			t.Fatalf("%+v %v %s", exit, err, l.happened())
		}
		if late := time.Since(by); late < 0 || late > time.Minute {
			t.Errorf("it ended %v after its time", late)
		}
	})
}

// If a start may have arrived, Run asks the node once it is back. A command
// that has begun there goes on; one that has not begun never begins.
func TestRunAsksNodeAboutLateStart(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x := newExecutor(t)
	ctx := testContext(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	late := executor.Command{ID: "a", Argv: sh("echo ran >>" + ledger + "; exit 3"), StartBy: time.Now().Add(-time.Second), Sent: true}
	for range 2 { // also if the first answer was not stored
		l := newSink()
		exit, err := x.Run(ctx, s.target(), late, l)
		if err != nil || exit.State != executor.NotBegun || exit.Why == "" || l.happened() != "" {
			t.Fatalf("%+v %v %s", exit, err, l.happened())
		}
	}
	again := late
	again.StartBy = time.Time{} // the node keeps its word
	if exit, err := x.Run(ctx, s.target(), again, newSink()); err != nil || exit.State != executor.Revoked {
		t.Errorf("%+v %v", exit, err)
	}
	if _, err := os.Stat(ledger); err == nil {
		t.Error("it ran")
	}

	arrived := late
	arrived.ID, arrived.StartBy = "b", time.Time{}
	_, err := x.Run(ctx, s.target(), arrived, newSink())
	must(t, err)
	arrived.StartBy = late.StartBy
	l := newSink()
	exit, err := x.Run(ctx, s.target(), arrived, l)
	if err != nil || exit.State != executor.Finished || exit.Status != 3 || l.happened() != "started" || read(t, ledger) != "ran\n" {
		t.Errorf("%+v %v %s", exit, err, l.happened())
	}
}

// A start whose reply was lost in this very call may have arrived: Run asks the
// node, and reads the command that has begun there to its end.
func TestRunAsksNodeAfterLostReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		by := time.Now().Add(time.Minute)
		var sent []string
		s.handle = func(s *server, line string, ch ssh.Channel) (int, bool) {
			_, call, _ := strings.Cut(line, "set -- ")
			if verb, _, _ := strings.Cut(call, " "); len(sent) == 0 || sent[len(sent)-1] != verb {
				sent = append(sent, verb)
			}
			if time.Now().Before(by) {
				s.hangUp()
				return 0, false
			}
			_, _ = ch.Write([]byte(withNonce(line, "ALSB1 NONCE state=finished rc=4 size=0 off=0 len=0\nALSB1 NONCE end sum=-\n")))
			return 0, true
		}
		l := newSink()
		exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true"), StartBy: by}, l)
		if err != nil || exit.State != executor.Finished || exit.Status != 4 || l.happened() != "link back started" {
			t.Errorf("%+v %v %s", exit, err, l.happened())
		}
		if !slices.Equal(sent, []string{"start", "revoke"}) {
			t.Errorf("it was sent %q", sent)
		}
	})
}
