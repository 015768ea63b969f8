package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"alsbot/config"
)

// badConfig writes bad configs while the bot runs: half-written ones, ones with
// a mistake, ones that are not YAML. The bot reads its config only when it
// starts, so it keeps the one it has. A start with a bad config is refused with
// the line, and the next start resumes the runs that went on. A trial is a
// file.
func badConfig(t *testing.T, r *report) {
	const side = 4
	restarts := min(10, max(2, r.n/40))
	h := newTestbed(t, options{clusters: side, oracle: oracle{Min: time.Second, Max: 3 * time.Second}})
	good, err := os.ReadFile(h.config)
	must(t, err)
	h.start()
	refused := 0
	for i := range r.n {
		bad := misspelt(string(good), rand.New(rand.NewPCG(uint64(i), 17))) // a fixed seed, so that a failure can be repeated
		must(t, os.WriteFile(h.config, []byte(bad), 0o600))
		why, err := h.refusesConfig()
		if why != "" {
			refused++
		}
		if err == nil {
			err = h.typed() // the bot still works
		}
		r.trial(err)
		if why != "" && i%max(1, r.n/restarts) == 0 {
			if err := h.restartedWith(good); err != nil {
				r.trial(err)
			}
		}
	}
	must(t, os.WriteFile(h.config, good, 0o600))
	for i := range side {
		r.trial(h.verify(h.ask(i)))
	}
	r.figure("%d refused with the line", refused)
	if refused == 0 {
		t.Error("no file was bad")
	}
}

// misspelt returns a config with a mistake, as an interrupted or careless
// person leaves it.
func misspelt(good string, rnd *rand.Rand) string {
	at := rnd.IntN(len(good))
	lines := strings.SplitAfter(good, "\n")
	line := rnd.IntN(len(lines) - 1)
	switch rnd.IntN(6) {
	case 0: // half-written
		return good[:at]
	case 1: // one byte changed
		return good[:at] + string(rune(1+rnd.IntN(126))) + good[at+1:]
	case 2: // a line missing
		lines[line] = ""
	case 3: // a misspelt key
		lines[line] = strings.Replace(lines[line], ":", "x:", 1)
	case 4: // a tab
		lines[line] = "\t" + lines[line]
	case 5: // a line twice
		lines[line] += lines[line]
	}
	return strings.Join(lines, "")
}

// refusesConfig returns why the config is refused, "" if it is not. The error
// names the file and the line.
func (h *testbed) refusesConfig() (why string, err error) {
	_, err = config.Load(h.config, nil)
	if err == nil {
		return "", nil
	}
	why = err.Error()
	if !saysWhere(why, h.config) {
		return why, fmt.Errorf("a config is refused without saying where: %s", why)
	}
	return why, nil
}

func saysWhere(why, file string) bool {
	for line := range strings.Lines(why) {
		_, at, ok := strings.Cut(line, file+":")
		numbered := ok && at != "" && '1' <= at[0] && at[0] <= '9'
		if !numbered && !strings.Contains(line, "there is none") && !strings.Contains(line, "is required") { // what is missing has no line
			return false
		}
	}
	return true
}

// restartedWith starts runs, fails to start the bot with the bad config, starts
// it with the good one and checks the runs against the oracle.
func (h *testbed) restartedWith(good []byte) error {
	var ids []string
	for i := range h.opts.clusters {
		ids = append(ids, h.ask(i))
	}
	if _, err := h.stop(); err != nil {
		return err
	}
	began := time.Now()
	refused := exec.Command(h.opts.binary, "serve", "--config", h.config)
	refused.Env = environ()
	out, err := refused.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 2 || !saysWhere(string(out), h.config) || time.Since(began) > patience {
		return fmt.Errorf("with a bad config alsbot ends with %v and says:\n%s", err, out)
	}
	if err := os.WriteFile(h.config, good, 0o600); err != nil {
		return err
	}
	h.start()
	var errs []error
	for _, id := range ids {
		errs = append(errs, h.verify(id))
	}
	return errors.Join(errs...)
}
