package als_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/als"
)

const licence = "0123456789abcdefABCDEF0123456789abcdef01"

// watched is a cluster whose config has all that the agent needs.
func watched(file string) als.Cluster {
	c := testCluster()
	c.Agent = als.Agent{Key: true, Package: "newrelic-sysmond", Install: []string{"get {package}"}, Config: file, Start: "agent restart", Process: "nrsysmond"}
	return c
}

func TestNewRelic(t *testing.T) {
	const name, look, left = "agent-install", "agent", "agent-key-copy"
	well, none := "agent=yes\nmode=640\nkey=yes\n", "agent=no\nmode=640\nkey=yes\n"
	good := func() said {
		return said{"sudo": out(""), look: out("agent=no\nmode=\nkey=no\n"), name: out("done=key\ndone=start\n"), left: out(""), look + "-after": out(well)}
	}
	with := func(step string, r als.Result) said {
		return good().with(said{step: r})
	}
	c, keyless := watched("/etc/newrelic/nrsysmond.cfg"), watched("/etc/newrelic/nrsysmond.cfg")
	keyless.Agent.Key = false
	const text = "monitor newrelic install"
	tellAll(t, []telling{
		{"good", text, c, good(), "", als.Succeeded, "The agent runs on all 4 nodes."},
		{"there before", text, c, with(name, out("done=had-it\n")), "", als.Succeeded, "on 4 of them it did already"},
		{"no key", text, keyless, good(), "there is no licence key for New Relic", "", ""},
		{"sudo asks", text, c, with("sudo", als.Result{Exit: 1}), "stop: sudo on the core asks for a password", "", ""},
		{"lies", text, c, with(look+"-after", out(none)), "", als.Waiting, "no agent runs; the installer said that all is well"},
		{"stopped", text, c, good().with(said{look: out(none), name: {Exit: 1, Output: []byte("why=running get newrelic-sysmond\n")}, look + "-after": out(none)}),
			"", als.Failed, "10.0.0.13: no agent runs; it stopped at: running get newrelic-sysmond"},
		{"runs, and yet", text, c, with(name, als.Result{Exit: 1, Output: []byte("why=starting\n")}), "", als.Failed, "did not come to its end: it stopped at: starting"},
		{"asks", text, c, good().with(said{look: out(none), name: {Exit: 143, Output: []byte("continue (yes/no)? ")}, look + "-after": out(none)}),
			"", als.Failed, "something asked a person and got no answer"},
		{"everybody reads it", text, c, with(look+"-after", out("agent=yes\nmode=644\nkey=yes\n")), "", als.Failed, "everybody on the node may read the agent's config (mode 644)"},
		{"no key in it", text, c, with(look+"-after", out("agent=yes\nmode=640\nkey=no\n")), "", als.Failed, "holds no licence key"},
		{"a copy", text, c, with(look+"-after", out(well+"left=yes\n")), "", als.Failed, "second copy"},
		{"cannot be seen", text, c, with(look+"-after", als.Result{Trouble: "refused"}), "", als.Failed, "it could not be asked: refused"},
		{"says nothing", text, c, with(look+"-after", out("")), "", als.Failed, "could not be seen"},
	})
}

// The script installs the agent, writes the key to its config and starts it.
// The key is in no output and in no argument.
func TestNewRelicScript(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "nrsysmond.cfg")
			for cmd, status := range map[string]string{"get": "0", "agent": "0", "pgrep": "1"} {
				stand(t, dir, cmd, status)
			}
			must(t, os.WriteFile(filepath.Join(dir, "sudo"), []byte("#!/bin/sh\necho sudo \"$@\" >>"+dir+"/notes\nshift\nexec \"$@\"\n"), 0o700))
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			must(t, os.WriteFile(file, []byte("a=b\n license_key = old\nlicense_key=older\nc=d\n"), 0o644))
			install := func(key string) als.Result { return runWith(t, shell, installStep(t, file), key) }
			if r := install(licence + "\n"); r.Exit != 0 || bytes.Contains(r.Output, []byte(licence)) || !strings.Contains(string(r.Output), "done=start") {
				t.Fatalf("status %d:\n%s", r.Exit, r.Output)
			}
			want(t, file, "a=b\nc=d\nlicense_key="+licence+"\n", 0o640)
			notes := read(t, dir+"/notes")
			if strings.Contains(notes, licence) || !strings.Contains(notes, "get newrelic-sysmond\n") || !strings.Contains(notes, "agent restart\n") {
				t.Errorf("it called:\n%s", notes)
			}
			stand(t, dir, "pgrep", "0") // it runs now
			if r := install(licence + "\n"); r.Exit != 0 || string(r.Output) != "done=had-it\n" {
				t.Errorf("again: status %d:\n%s", r.Exit, r.Output)
			}
			stand(t, dir, "get", "1")
			if r := install(strings.Repeat("x", 40) + "\n"); r.Exit != 1 || !strings.Contains(string(r.Output), "why=running get newrelic-sysmond") {
				t.Errorf("a step fails: status %d:\n%s", r.Exit, r.Output)
			}
			want(t, file, "a=b\nc=d\nlicense_key="+licence+"\n", 0o640)
			if r := install(""); r.Exit != 1 || !strings.Contains(string(r.Output), "why=no licence key") {
				t.Errorf("no key: status %d:\n%s", r.Exit, r.Output)
			}
			stand(t, dir, "get", "0")
			must(t, os.Remove(file)) // a package that brings none
			if r := install(licence + "\n"); r.Exit != 0 {
				t.Errorf("no config: status %d:\n%s", r.Exit, r.Output)
			}
			want(t, file, "license_key="+licence+"\n", 0o600)
			if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func installStep(t *testing.T, file string) als.Step {
	t.Helper()
	req, op := asked(t, "monitor newrelic install")
	var rs als.Results
	for _, node := range []string{als.Core, "10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		rs = append(rs, als.Result{Key: "sudo", Node: node})
	}
	plan, err := op.Plan(req, watched(file), rs)
	must(t, err)
	for _, s := range append(plan.Steps, plan.Verify...) {
		if s.Secret != "" {
			if s.Repeatable {
				t.Errorf("%s is read over a plain exec, which has no stdin", s.Name)
			}
			return s
		}
	}
	t.Fatal("no step gets the key")
	return als.Step{}
}

// runWith is like run, with text on stdin.
func runWith(t *testing.T, shell []string, s als.Step, stdin string) als.Result {
	t.Helper()
	argv := append(append([]string{}, shell...), s.Argv[1:]...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Exit: cmd.ProcessState.ExitCode(), Output: out}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	return string(b)
}

func want(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(file)
	must(t, err)
	if got := read(t, file); got != text || info.Mode().Perm() != mode {
		t.Errorf("%s has mode %o:\n%s", file, info.Mode().Perm(), got)
	}
}
