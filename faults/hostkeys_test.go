package faults

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"alsbot/runs"
)

// hostKeys gives the core node a host key that known_hosts lacks, and
// known_hosts keys that the node lacks. A trial is a run.
func hostKeys(t *testing.T, r *report) {
	for range r.n {
		h := newTestbed(t, options{})
		known, err := os.ReadFile(h.nodes.KnownHosts)
		must(t, err)
		own, others := keysOf(string(known), h.core)
		// The keys of the other nodes serve as keys that this one lacks.
		foreign := renamed(others, h.core)
		cases := []struct {
			name, file, words string
		}{
			{"as it should be", string(known), ""},
			{"missing", others, "alsbot trust"},
			{"the file is empty", "", "alsbot trust"},
			{"another key", others + foreign, "HOST KEY CHANGED"},
			{"the right one and others beside", foreign + string(known), ""},
			{"revoked", string(known) + "@revoked " + own, "revoked"},
			{"a line that can't be read", string(known) + "<<<<<<< HEAD\nold.example 1024 35 143\n" + h.core + " ssh-rsa AAAA", ""},
			{"another key, and such a line", "<<<<<<< HEAD\n" + others + foreign, "HOST KEY CHANGED"},
			{"nothing but such a line", others + knownName(h.core) + " ssh-rsa AAAA\n", "that can be read names this host"},
			{"a revoked key that can't be read", string(known) + "@revoked * ssh-rsa AAAA\n", "revokes a key of this host"},
		}
		for _, c := range cases {
			err := h.withKnown(c.file, c.words)
			if err != nil {
				err = fmt.Errorf("known_hosts: %s: %w", c.name, err)
			}
			r.trial(err)
		}
		must(t, h.nodes.ChangeHostKey(h.nodes.Core))
		err = h.withKnown(string(known), "HOST KEY CHANGED")
		if err != nil {
			err = fmt.Errorf("the node has another key: %w", err)
		}
		r.trial(err)
	}
}

// keysOf splits known_hosts into the lines of a host and the others.
func keysOf(known, host string) (own, others string) {
	for line := range strings.Lines(known) {
		if strings.HasPrefix(line, knownName(host)) {
			own += line
		} else {
			others += line
		}
	}
	return own, others
}

// knownName returns how known_hosts starts a line of host:port.
func knownName(addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return "[" + host + "]:" + port
}

// renamed returns the keys of some lines for another host.
func renamed(lines, host string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		_, key, _ := strings.Cut(line, " ")
		b.WriteString(knownName(host) + " " + key)
	}
	return b.String()
}

// withKnown requests a run with a known_hosts file. The run works or, with
// words, is refused with these words, and the node gets no byte of the command.
func (h *testbed) withKnown(file, words string) error {
	if err := os.WriteFile(h.nodes.KnownHosts, []byte(file), 0o600); err != nil {
		return err
	}
	if _, err := h.tryStart(); err != nil {
		return err
	}
	defer h.kill()
	id, err := h.tryAsk(0)
	if err != nil {
		return err
	}
	if words == "" {
		return h.verify(id)
	}
	before, err := h.nodes.Calls()
	if err != nil {
		return err
	}
	r, err := h.end(id)
	if err != nil {
		return err
	}
	after, err := h.nodes.Calls()
	if r.State != runs.Failed || !strings.Contains(r.Why()+r.Next.Text, words) {
		err = errors.Join(err, fmt.Errorf("run %s is %s: %s %s", id, r.State, r.Why(), r.Next.Text))
	}
	if len(after) != len(before) {
		err = errors.Join(err, fmt.Errorf("kato was called: %v", after[len(before):]))
	}
	return errors.Join(err, h.oracle.checkRan(id+"-1", 0), h.checkShownOnce(r))
}
