package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/node"
)

// The words that change what a node is like.

func cmdMount(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: mount IP PATH DEVICE TYPE")
	}
	ts.Check(on(ts).cluster().Mount(args[0], args[1], &node.Mount{Device: args[2], Type: args[3], Options: "rw"}))
}

func cmdRole(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: role IP ROLE STATE")
	}
	ts.Check(on(ts).cluster().SetRole(args[0], args[1], args[2]))
}

func cmdCopy(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: copy IP GLOB IP PATH")
	}
	c := on(ts).cluster()
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
	ts.Check(on(ts).cluster().Update(func(s *node.State) {
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
