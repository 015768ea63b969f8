package main

import (
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/node"
	"alsbot/sim/scene"
)

// This file has the words about a second cluster, and about what a cluster has.

// applySceneArg applies an argument of `scene` to o and returns the profile.
func applySceneArg(o *scene.Options, word string) string {
	switch key, value, _ := strings.Cut(word, "="); key {
	case "fresh":
		o.Fresh = true
	case "outsiders":
		o.Outsiders = true
	case "version":
		o.Version = value
	case "shape":
		o.Shape = value
	case "user":
		o.User = value
	default:
		return word
	}
	return o.Profile
}

// cluster returns the cluster that the words about nodes mean.
func (st *stage) cluster() *node.Cluster {
	if st.fresh {
		return st.scene.Fresh
	}
	return st.scene.Cluster
}

func cmdCluster(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: cluster prod|fresh")
	}
	stageOf(ts).fresh = args[0] == "fresh"
}

func cmdHasApps(ts *testscript.TestScript, _ bool, args []string) {
	s, err := stageOf(ts).cluster().State()
	ts.Check(err)
	if !slices.Equal(s.Data.Apps, args) {
		ts.Fatalf("the cluster holds %q", s.Data.Apps)
	}
}

func cmdImported(ts *testscript.TestScript, _ bool, args []string) {
	s, err := stageOf(ts).cluster().State()
	ts.Check(err)
	slices.Sort(s.Data.Parts)
	slices.Sort(args)
	if !slices.Equal(s.Data.Parts, args) {
		ts.Fatalf("the import brought %q", s.Data.Parts)
	}
}

func cmdSetConfig(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: set-config COMPONENT KEY VALUE")
	}
	ts.Check(stageOf(ts).cluster().Update(func(s *node.State) {
		component, ok := s.Config[args[0]].(map[string]any)
		if !ok {
			ts.Fatalf("no component %s", args[0])
		}
		component[args[1]] = args[2]
		if args[2] == "true" || args[2] == "false" {
			component[args[1]] = args[2] == "true"
		}
	}))
}

func cmdSSHHost(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 || !slices.Contains([]string{"known", "unknown", "password"}, args[1]) {
		ts.Fatalf("usage: ssh-host HOST known|unknown|password")
	}
	st := stageOf(ts)
	ts.Check(st.scene.Fresh.Know(args[0], st.scene.Cluster, args[1] != "unknown", args[1] == "known"))
}

func cmdSSHTrust(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: ssh-trust IP yes|no")
	}
	ts.Check(stageOf(ts).cluster().Update(func(s *node.State) { s.Nodes[args[0]].Trust = args[1] == "yes" }))
}
