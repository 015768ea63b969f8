package faults

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fuzzed gives the readers of foreign data random inputs, for so many seconds
// each, one at a time because other rows run beside it. Go keeps an input that
// fails as a file in the package's testdata. A trial is a reader.
func fuzzed(t *testing.T, r *report) {
	inputs := 0
	for _, reader := range []struct{ dir, target string }{
		{"./als", "FuzzParse"},          // commands
		{"./bot", "FuzzPayloads"},       // what Slack sends
		{"./executor", "FuzzReadReply"}, // what a node answers
		{"./executor", "FuzzQuote"},     // the quoter
		{"./jobs", "FuzzSlots"},         // cron lines
		{"./config", "FuzzLoad"},        // the config
	} {
		cmd := exec.Command("nice", "-n", "10", "go", "test", "-run", "^$", "-fuzz", "^"+reader.target+"$",
			"-fuzztime", strconv.Itoa(r.n)+"s", "-fuzzminimizetime", "5x", "-parallel", "1", reader.dir)
		cmd.Dir = ".."
		cmd.Env = environ()
		out, err := cmd.CombinedOutput()
		if err == nil || deadline.Match(out) {
			inputs += inputsOf(string(out))
			err = hanging(string(out))
		}
		if err != nil {
			err = fmt.Errorf("%s %s: %w\n%s", reader.dir, reader.target, err, out)
		}
		r.trial(err)
	}
	r.figure("%.1f million inputs", float64(inputs)/1e6)
}

// deadline matches how Go before 1.27 now and then ends a fuzz test at its time
// limit although no input has failed (go.dev/issue/75804).
var deadline = regexp.MustCompile(`--- FAIL: Fuzz\w+ \([0-9.]+s\)\n\s+context deadline exceeded\nFAIL`)

var fuzzLine = regexp.MustCompile(`elapsed: \d+s, execs: (\d+) \((\d+)/sec\)`)

func inputsOf(out string) (n int) {
	for _, m := range fuzzLine.FindAllStringSubmatch(out, -1) {
		n, _ = strconv.Atoi(m[1]) // the pattern has only digits; the last match counts
	}
	return n
}

// hanging returns an error if two reports, three seconds apart, have the same
// count of inputs.
func hanging(out string) error {
	all := fuzzLine.FindAllStringSubmatch(out, -1)
	for i, m := range all {
		if i > 1 && m[1] == all[i-1][1] && m[1] == all[i-2][1] {
			return fmt.Errorf("nothing was read for seconds: %s", strings.TrimSpace(m[0]))
		}
	}
	return nil
}
