package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
)

// This file has the words that change a node.

func cmdAddMount(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: add-mount IP PATH DEVICE TYPE")
	}
	ts.Check(stageOf(ts).cluster().Mount(args[0], args[1], &node.Mount{Device: args[2], Type: args[3], Options: "rw"}))
}

func cmdSetRole(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: set-role IP ROLE STATE")
	}
	ts.Check(stageOf(ts).cluster().SetRole(args[0], args[1], args[2]))
}

func cmdCopyFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: copy-file IP GLOB IP PATH")
	}
	c := stageOf(ts).cluster()
	found, err := filepath.Glob(c.Path(args[0], args[1]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("on %s, %s: %v", args[0], args[1], found)
	}
	data, err := os.ReadFile(found[0])
	ts.Check(err)
	ts.Check(os.WriteFile(c.Path(args[2], args[3]), data, 0o600))
}

func cmdFirstUser(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: first-user yes|no")
	}
	ts.Check(stageOf(ts).cluster().Update(func(s *node.State) {
		s.Data.FirstUser = args[0] == "yes"
		cc, ok := s.Config["cloud_controller_ng"].(map[string]any)
		switch {
		case ok && s.Data.FirstUser:
			cc["admins"] = []any{"admin@example.com"}
		case ok:
			cc["admins"] = []any{}
		}
	}))
}

// cmdAgeUnreachable moves the time in the store instead of waiting.
func cmdAgeUnreachable(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: age-unreachable RUN DURATION")
	}
	long, err := time.ParseDuration(args[1])
	ts.Check(err)
	db, err := store.OpenBolt(filepath.Join(stageOf(ts).dir, "alsbot.db"), store.Ballast(0), store.Migrations(runs.Migrations()...))
	ts.Check(err)
	runs := store.Bucket[runs.Run]{Name: "runs"}
	err = db.Update(context.Background(), func(tx store.Tx) error {
		r, _, err := runs.Get(tx, args[0])
		if err != nil {
			return err
		}
		r.Unheard = time.Now().UTC().Add(-long)
		return runs.Put(tx, args[0], r)
	})
	ts.Check(db.Close())
	ts.Check(err)
}

func cmdWaitEnded(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: wait-ended RUN IP")
	}
	st := stageOf(ts)
	steps := st.scene.Cluster.Path(args[1], "/home/"+st.scene.Cluster.User+"/.alsbot/runs/"+args[0]+"-*")
	st.await(ts, "the end of "+args[0]+" on its node", func() bool {
		dirs, err := filepath.Glob(steps)
		ts.Check(err)
		return len(dirs) > 0 && !slices.ContainsFunc(dirs, func(dir string) bool {
			status, err := os.ReadFile(filepath.Join(dir, "exit"))
			if !errors.Is(err, fs.ErrNotExist) {
				ts.Check(err)
			}
			return !strings.HasPrefix(string(status), "exit ")
		})
	})
}

// lastCall returns the process of the kato that was called last with these
// words.
func lastCall(ts *testscript.TestScript, words []string) int {
	calls, err := stageOf(ts).cluster().Called(words...)
	ts.Check(err)
	if len(calls) == 0 {
		ts.Fatalf("kato %s was not called", strings.Join(words, " "))
	}
	return calls[len(calls)-1].PID
}

func cmdPauseKato(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(stageOf(ts).cluster().Hold(lastCall(ts, args)))
}

func cmdResumeKato(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(stageOf(ts).cluster().Free(lastCall(ts, args)))
}

func cmdPowerOff(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: power-off IP")
	}
	ts.Check(stageOf(ts).cluster().Die(args[0]))
}

func cmdKatoRan(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	n := 0
	st.await(ts, fmt.Sprintf("kato %s to be called %d times", strings.Join(args[1:], " "), want), func() bool {
		calls, err := st.cluster().Called(args[1:]...)
		ts.Check(err)
		n = len(calls)
		return n >= want
	})
	if n != want {
		ts.Fatalf("kato %s was called %d times, not %d", strings.Join(args[1:], " "), n, want)
	}
}

func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	value := ""
	if len(args) > 1 {
		value = strings.Join(args[1:], " ")
	}
	ts.Check(stageOf(ts).cluster().Fault(args[0], value))
}

func cmdPublishPatch(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(stageOf(ts).cluster().Publish(node.Patch{Name: args[0], Description: "published by the script", Severity: "required", Roles: args[1:]}))
}

func cmdNodeHas(ts *testscript.TestScript, neg bool, args []string) {
	c := stageOf(ts).cluster()
	found, err := filepath.Glob(c.Path(args[0], args[1]))
	ts.Check(err)
	if (len(found) > 0) == neg {
		ts.Fatalf("on %s, %s: %v", args[0], args[1], found)
	}
}
