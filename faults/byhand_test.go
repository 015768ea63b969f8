package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/sim/node"
)

// byHand has someone else do what was requested, at a random moment between the
// request and the last look before the step, and then kato does nothing and says
// that all is well. A trial is a request: it must not succeed.
func byHand(t *testing.T, r *report) {
	for _, text := range []string{"restart router @c0", "patch install @c0", "import cluster %s @c0"} {
		d := newEngineBed(t, func(c *config.Config) { c.Approval.Effects = append(c.Approval.Effects, "destroy") })
		s := &stranger{d: d, dir: filepath.Dir(d.ledger), text: text}
		must(t, s.learn())
		for range r.n {
			err := s.trial()
			if err != nil {
				err = fmt.Errorf("%s: %w", s.text, err)
			}
			r.trial(err)
		}
		r.figure("%s: %d moments", strings.Fields(text)[0], s.moments)
	}
}

// stranger does by hand what alsbot's kato pretends to do.
type stranger struct {
	d       *engineBed
	dir     string // of the files that the kato of alsbot reads and writes
	text    string // what is requested
	step    string // kato's arguments of the step
	moments int    // the stranger acts before one of these calls of kato
}

// The kato that alsbot finds. It writes down its calls; before the call number
// in the file at, the stranger acts; and it pretends to do the step, once the
// file step says which one that is.
const pretender = `#!/bin/sh
echo "$*" >>DIR/calls
if [ -e DIR/at ] && [ "$(wc -l <DIR/calls)" -ge "$(cat DIR/at)" ] && mv DIR/at DIR/acts 2>/dev/null; then
	KATO.sim $(cat DIR/step) >>DIR/byhand 2>&1
fi
if [ -e DIR/step ] && [ "$*" = "$(cat DIR/step)" ]; then cat DIR/usual; exit 0; fi
exec KATO.sim "$@"
`

// learn has the request carried out once, and notes the step, what kato usually
// prints, and how many calls come before it up to the last list of its history.
func (s *stranger) learn() error {
	kato := filepath.Join(s.d.nodes.Home(s.d.nodes.Core), "bin", "kato")
	script := strings.NewReplacer("DIR", s.dir, "KATO", kato).Replace(pretender)
	if err := os.WriteFile(kato, []byte(script), 0o755); err != nil {
		return err
	}
	if strings.Contains(s.text, "%s") {
		r, err := s.done("export cluster @c0")
		if err != nil || r.Verdict == nil || len(r.Verdict.Archives) == 0 {
			return fmt.Errorf("an export, which is %s: %s %w", r.State, r.Why(), err)
		}
		archive := filepath.Join(s.d.nodes.Home(s.d.nodes.Core), "b.tgz")
		if err := os.Rename(r.Verdict.Archives[0].Path, archive); err != nil {
			return err
		}
		s.text = fmt.Sprintf(s.text, archive)
	}
	if err := s.reset(); err != nil {
		return err
	}
	r, err := s.done(s.text)
	if err != nil || r.State != runs.Succeeded || len(r.Plan.Steps) != 1 {
		return fmt.Errorf("%s is %s with %d steps: %s %w", s.text, r.State, len(r.Steps), r.Why(), err)
	}
	s.step = strings.Join(r.Plan.Steps[0].Argv[1:], " ")
	raw, err := os.ReadFile(s.file("calls"))
	if err != nil {
		return err
	}
	calls := strings.Split(string(raw), "\n")
	at := slices.Index(calls, s.step)
	for i := range max(0, at) {
		if calls[i] == "history --json" {
			s.moments = i + 1
		}
	}
	if s.moments == 0 {
		return fmt.Errorf("no history was listed before %q: %q", s.step, calls)
	}
	usual, err := s.usual(kato + ".sim")
	return errors.Join(err, os.WriteFile(s.file("usual"), usual, 0o600), os.WriteFile(s.file("step"), []byte(s.step), 0o600))
}

// usual returns what kato prints about the step when it does nothing.
func (s *stranger) usual(kato string) ([]byte, error) {
	if err := errors.Join(s.reset(), s.d.nodes.Fault("pretend", "yes")); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), kato, strings.Fields(s.step)...)
	cmd.Env = append(os.Environ(), "HOME="+s.d.nodes.Home(s.d.nodes.Core))
	out, err := cmd.Output()
	return out, errors.Join(err, s.d.nodes.Fault("pretend", ""))
}

func (s *stranger) file(name string) string { return filepath.Join(s.dir, name) }

// reset forgets the calls, and takes the patches out.
func (s *stranger) reset() error {
	return errors.Join(os.RemoveAll(s.file("calls")), os.RemoveAll(s.file("byhand")), s.d.nodes.Update(func(state *node.State) {
		for _, p := range state.Patches {
			p.Installed = nil
		}
	}))
}

// done requests a command, approves it if that is needed, and returns its end.
func (s *stranger) done(text string) (runs.Run, error) {
	ans, err := s.d.say(ann, text)
	if err != nil || ans.Run == "" {
		return runs.Run{}, fmt.Errorf("%s: %s %w", text, ans.Text, err)
	}
	r, err := s.d.until(ans.Run, func(r runs.Run) bool { return r.State == runs.Awaiting || r.State.Final() })
	if err != nil || r.State.Final() {
		return r, err
	}
	if err := s.d.press(bob, r.ID, true, nil)(); err != nil {
		return r, err
	}
	if r, err = s.d.end(r.ID); err != nil || r.State != runs.Void {
		return r, err
	}
	return r, s.dropRenewed(r)
}

// dropRenewed ends the request that takes the place of a void one, if there is
// one, so that its calls of kato are over.
func (s *stranger) dropRenewed(void runs.Run) error {
	_, id, ok := strings.Cut(void.Next.Text, "see `run ")
	if id, _, _ = strings.Cut(id, "`"); !ok {
		return nil
	}
	if _, err := s.d.until(id, func(r runs.Run) bool { return r.State == runs.Awaiting || r.State.Final() }); err != nil {
		return err
	}
	_, err := s.d.say(ann, "cancel "+id)
	return err
}

// trial lets the stranger act before a random call. A run that fails before that
// call says nothing about it, so another is tried.
func (s *stranger) trial() error {
	for range 3 {
		acted, err := s.try(1 + rand.IntN(s.moments))
		if acted || err != nil {
			return err
		}
	}
	return errors.New("no run came as far as the call before which the stranger acts")
}

// try lets the stranger act before one call, and returns an error if the run
// says that it succeeded.
func (s *stranger) try(at int) (acted bool, err error) {
	if err := errors.Join(s.reset(), os.WriteFile(s.file("at"), fmt.Append(nil, at), 0o600)); err != nil {
		return false, err
	}
	r, err := s.done(s.text)
	if err != nil {
		return false, err
	}
	_, missing := os.Stat(s.file("byhand"))
	acted = missing == nil
	// If it is done before the plan is made, there is nothing left to do.
	if r.State == runs.Succeeded && (!acted || r.Plan == nil || r.Plan.Nothing == "") {
		err = fmt.Errorf("by hand (%v) before call %d of %d, and run %s says %q", acted, at, s.moments, r.ID, r.Verdict.Summary)
	}
	return acted, err
}
