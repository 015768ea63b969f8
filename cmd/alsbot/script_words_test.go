package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A word of ours that testscript has too would never be heard: its own come
// first. So each is spoken once and has to arrive.
func TestScriptWordsDoNotShadowTestscript(t *testing.T) {
	heard := map[string]bool{}
	listen := scriptWords()
	for word := range listen {
		listen[word] = func(*testscript.TestScript, bool, []string) { heard[word] = true }
	}
	all := slices.Sorted(maps.Keys(listen))
	for _, word := range all {
		script := filepath.Join(t.TempDir(), word+".txtar")
		if err := os.WriteFile(script, []byte(word+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run("said", func(t *testing.T) { testscript.Run(t, testscript.Params{Files: []string{script}, Cmds: listen}) })
		if !heard[word] {
			t.Errorf("the word %q is one of testscript's own: choose another", word)
		}
	}
}

// cmdTold asks the bot's own figures: what is posted is seen before it is noted.
func cmdAllSent(ts *testscript.TestScript, _ bool, _ []string) {
	st := stageOf(ts)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(st.dir, "alsbot.sock"))
		},
	}}
	st.await(ts, "all messages to be told", func() bool {
		resp, err := client.Get("http://alsbot/metrics")
		ts.Check(err)
		defer resp.Body.Close()
		figures, err := io.ReadAll(resp.Body)
		ts.Check(err)
		return strings.Contains(string(figures), "\nalsbot_outbox_rows 0\n")
	})
}

func cmdGiveReason(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	if len(args) == 0 {
		ts.Fatalf("usage: give-reason PERSON [TEXT]")
	}
	st.speaker = person(ts, args[0])
	st.seenBefore = len(st.scene.Workspace.Ephemerals(st.speaker, st.channel))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := st.scene.Workspace.Wait(ctx, func() bool { _, open := st.scene.Workspace.Modal(st.speaker); return open }); err != nil {
		ts.Fatalf("no modal is open for %s", args[0])
	}
	var err error
	st.last, err = st.scene.Workspace.Submit(ctx, st.speaker, map[string][]string{"why": {strings.Join(args[1:], " ")}})
	ts.Check(err)
}

// nothingLeft fails if a process outlives its script: a bot, or a simulated
// kato, which is this binary too.
func checkNoProcessLeft(t *testing.T) {
	t.Helper()
	bot, err := exec.LookPath("alsbot")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	left := func() map[int]string {
		all := processesOf(bot, self)
		delete(all, os.Getpid())
		return all
	}
	// What was killed may need a moment to be gone.
	for until := time.Now().Add(10 * time.Second); len(left()) > 0 && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
	for pid, args := range left() {
		t.Errorf("process %d is left when the scripts are over: %s", pid, args)
	}
}

// processesOf are the numbers and command lines of what runs these files.
func processesOf(files ...string) map[int]string {
	found := map[int]string{}
	exes, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is well formed
	for _, exe := range exes {
		file, err := os.Readlink(exe)
		if err != nil || !slices.Contains(files, file) {
			continue // it has ended, or is another's
		}
		args, err := os.ReadFile(filepath.Join(filepath.Dir(exe), "cmdline"))
		if err != nil {
			continue // it has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
		if err == nil {
			found[pid] = fmt.Sprintf("%q", strings.Split(strings.TrimRight(string(args), "\x00"), "\x00"))
		}
	}
	return found
}

func cmdDeliverTwice(ts *testscript.TestScript, _ bool, args []string) {
	if w := stageOf(ts).scene.Workspace; len(args) > 0 && args[0] == "later" {
		w.RedeliverOnReconnect(1)
	} else {
		w.DuplicateDeliveries(1)
	}
}
