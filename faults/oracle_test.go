package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// oracleEnv names the file with the oracle's settings. If it is set, this
// binary is the oracle.
const oracleEnv = "ALSBOT_FAULTS_ORACLE"

// oracle has the settings of the stand-in kato. Everything else follows from
// the ID of the run.
type oracle struct {
	Ledger   string
	Min, Max time.Duration // how long a run takes
	Bytes    int           // the most that it prints
	Plain    bool          // it always ends with status 0
	Stubborn bool          // it ignores TERM
}

// fate is how one run ends.
type fate struct {
	takes  time.Duration
	output []byte
	status int
}

func (o oracle) fate(id string) fate {
	h := fnv.New64a()
	h.Write([]byte(id))
	rnd := rand.New(rand.NewPCG(h.Sum64(), 1))
	f := fate{takes: o.Min, status: rnd.IntN(200)}
	if o.Max > o.Min {
		f.takes += time.Duration(rnd.Int64N(int64(o.Max - o.Min)))
	}
	if o.Plain {
		f.status = 0
	}
	f.output = make([]byte, rnd.IntN(max(1, o.Bytes)))
	for i := range f.output {
		f.output[i] = byte(rnd.Uint32())
	}
	return f
}

// oracleMain is the stand-in kato. It takes the ID from the name of its output
// file, which is in the run's own directory.
func oracleMain() {
	path := os.Getenv(oracleEnv)
	if path == "" {
		return
	}
	o, err := readOracle(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(250)
	}
	if o.Stubborn {
		ignoreTerm()
	}
	id := ownID()
	if err := appendLine(o.Ledger, id); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(251)
	}
	f := o.fate(id)
	const pause = 50 * time.Millisecond
	beats := max(1, int(f.takes/pause))
	for i := range beats {
		from, to := len(f.output)*i/beats, len(f.output)*(i+1)/beats
		_, _ = os.Stdout.Write(f.output[from:to]) // a full disk is one of the faults
		time.Sleep(f.takes / time.Duration(beats))
	}
	os.Exit(f.status)
}

func ownID() string {
	out, err := os.Readlink("/proc/self/fd/1")
	if err != nil {
		return "unknown"
	}
	return filepath.Base(filepath.Dir(out))
}

func readOracle(path string) (o oracle, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(b, &o)
}

// appendLine makes one write to a file opened with O_APPEND.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line + "\n")
	return err
}

// oracleArgv returns the oracle's command line for the executor.
func oracleArgv(settings string) []string {
	exe, err := os.Executable()
	if err != nil {
		panic(err) // the test binary knows its own name
	}
	return []string{"/usr/bin/env", oracleEnv + "=" + settings, exe}
}

// write puts the settings where the oracle finds them.
func (o oracle) write(path string) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// executions counts how often a run began, by the ledger.
func (o oracle) executions(id string) (int, error) {
	b, err := os.ReadFile(o.Ledger)
	if os.IsNotExist(err) {
		return 0, nil
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == id {
			n++
		}
	}
	return n, err
}

// checkRan returns an error unless the run began exactly that often.
func (o oracle) checkRan(id string, times int) error {
	n, err := o.executions(id)
	if err == nil && n != times {
		err = fmt.Errorf("run %s was begun %d times, not %d", id, n, times)
	}
	return err
}

// checkOutput compares what is in the store with what the oracle printed.
func (o oracle) checkOutput(id string, output []byte, status *int) error {
	f := o.fate(id)
	if status == nil || *status != f.status {
		return fmt.Errorf("run %s: exit status %v, not %d", id, shown(status), f.status)
	}
	if !bytes.Equal(output, f.output) {
		at := 0
		for at < min(len(output), len(f.output)) && output[at] == f.output[at] {
			at++
		}
		return fmt.Errorf("run %s: output differs at byte %d (%d bytes, not %d)", id, at, len(output), len(f.output))
	}
	return nil
}

func shown(status *int) string {
	if status == nil {
		return "unknown"
	}
	return fmt.Sprint(*status)
}

// percentile returns the pth percentile of some durations.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(len(all)-1, len(all)*p/100)]
}
