package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/node"
	"alsbot/sim/scene"
)

// This file has the words about other commands than kato, a reboot, and where a
// secret is.

func cmdToolRan(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	n := 0
	st.await(ts, fmt.Sprintf("%s to be called %d times", strings.Join(args[1:], " "), want), func() bool {
		calls, err := st.scene.Cluster.Did(args[1:]...)
		ts.Check(err)
		n = len(calls)
		return n >= want
	})
	if n != want {
		ts.Fatalf("%s was called %d times, not %d", strings.Join(args[1:], " "), n, want)
	}
}

func cmdReboot(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: reboot IP")
	}
	ts.Check(stageOf(ts).scene.Cluster.Reboot(context.Background(), args[0]))
}

// licenceKeyFile is the one place where a licence key belongs.
const licenceKeyFile = "/etc/newrelic/nrsysmond.cfg"

// cmdAbsent searches the bot's store and log, everything in the nodes' and
// their ledgers' files, what ran there, and every message.
func cmdAbsent(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: absent TEXT")
	}
	st := stageOf(ts)
	var found []string
	ts.Check(filepath.WalkDir(st.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the bot and the nodes are at work: the file has just gone
			return nil
		}
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, licenceKeyFile) {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(args[0])) {
			found = append(found, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}))
	for _, file := range []string{"alsbot.db", "bot.log", "nodes/ps.txt", "nodes/tools.jsonl"} {
		if info, err := os.Stat(filepath.Join(st.dir, file)); err != nil || info.Size() == 0 {
			ts.Fatalf("there is nothing in %s to look at", file)
		}
	}
	for _, ch := range []string{scene.Prod, scene.Approve, scene.Elsewhere} {
		for _, m := range allMessages(st.scene.Workspace, ch) {
			if strings.Contains(m.Text(), args[0]) {
				found = append(found, "a message in "+ch)
			}
		}
		for _, person := range scene.People {
			for _, m := range st.scene.Workspace.Ephemerals(person, ch) {
				if strings.Contains(m.Text(), args[0]) {
					found = append(found, "an answer in "+ch)
				}
			}
		}
	}
	if (len(found) > 0) != neg {
		ts.Fatalf("found in: %s", strings.Join(found, ", "))
	}
}

func cmdSudo(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sudo IP yes|no")
	}
	ts.Check(stageOf(ts).scene.Cluster.Update(func(s *node.State) { s.Nodes[args[0]].Sudo = args[1] == "yes" }))
}
