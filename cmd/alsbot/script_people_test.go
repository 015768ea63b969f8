package main

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/scene"
	"alsbot/sim/workspace"
)

func person(ts *testscript.TestScript, name string) string {
	id, ok := scene.People[name]
	if !ok {
		ts.Fatalf("nobody is called %s", name)
	}
	return id
}

func channel(ts *testscript.TestScript) string {
	if c := ts.Getenv("CHANNEL"); c != "" {
		return c
	}
	return scene.Prod
}

func cmdSay(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	if len(args) < 2 {
		ts.Fatalf("usage: say PERSON TEXT")
	}
	st.speaker, st.channel = person(ts, args[0]), channel(ts)
	st.seenBefore = len(st.scene.Workspace.Ephemerals(st.speaker, st.channel))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	st.last, err = st.scene.Workspace.Say(ctx, st.speaker, st.channel, strings.Join(args[1:], " "))
	ts.Check(err)
	st.run = ""
	if m := runID.FindStringSubmatch(st.last.Text); m != nil {
		st.run = m[1]
	}
	ts.Setenv("RUN", st.run)
	ts.Logf("answer: %s", st.last.Text)
}

func pattern(ts *testscript.TestScript, args []string) *regexp.Regexp {
	re, err := regexp.Compile("(?is)" + strings.Join(args, " "))
	ts.Check(err)
	return re
}

func cmdPress(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	if len(args) != 2 {
		ts.Fatalf("usage: press PERSON BUTTON")
	}
	w := st.scene.Workspace
	channels := []string{scene.Approve, scene.Prod, scene.Elsewhere, scene.Fresh}
	if c := ts.Getenv("CHANNEL"); c != "" {
		channels = []string{c}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var on workspace.Message
	err := w.Wait(ctx, func() bool {
		for _, ch := range channels {
			for _, m := range slices.Backward(allMessages(w, ch)) {
				if slices.Contains(m.Buttons(), args[1]) {
					on = m
					return true
				}
			}
		}
		return false
	})
	if err != nil {
		ts.Fatalf("no message has a button %q", args[1])
	}
	st.speaker, st.channel = person(ts, args[0]), on.Channel
	st.seenBefore = len(w.Ephemerals(st.speaker, st.channel))
	st.last, err = w.Press(ctx, st.speaker, on.Channel, on.TS, args[1])
	ts.Check(err)
}

func cmdSetGroup(ts *testscript.TestScript, _ bool, args []string) {
	var ids []string
	for _, name := range args[1:] {
		ids = append(ids, person(ts, name))
	}
	ts.Check(stageOf(ts).scene.Workspace.SetGroupMembers(args[0], ids...))
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

func cmdDeliverTwice(ts *testscript.TestScript, _ bool, args []string) {
	if w := stageOf(ts).scene.Workspace; len(args) > 0 && args[0] == "later" {
		w.RedeliverOnReconnect(1)
	} else {
		w.DuplicateDeliveries(1)
	}
}
