package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/scene"
	"alsbot/sim/workspace"
)

func cmdAnswer(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	re := pattern(ts, args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got string
	err := st.scene.Workspace.Wait(ctx, func() bool {
		got = st.last.Text
		for _, m := range st.scene.Workspace.Ephemerals(st.speaker, st.channel)[st.seenBefore:] {
			got += "\n" + m.Text()
		}
		return re.MatchString(got)
	})
	if err != nil {
		ts.Fatalf("no answer like %s; it was:\n%s", re, got)
	}
}

// allMessages returns all messages of a channel, threads included.
func allMessages(w *workspace.Workspace, ch string) []workspace.Message {
	var all []workspace.Message
	for _, m := range w.Messages(ch) {
		all = append(all, m)
		all = append(all, w.Thread(ch, m.TS)...)
	}
	return all
}

func cmdSee(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	re := pattern(ts, args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ch := channel(ts)
	err := st.scene.Workspace.Wait(ctx, func() bool {
		return slices.ContainsFunc(allMessages(st.scene.Workspace, ch), func(m workspace.Message) bool {
			return re.MatchString(m.Text())
		})
	})
	if err != nil {
		ts.Fatalf("no message like %s; the channel:\n%s", re, st.scene.Workspace.Transcript(ch))
	}
}

var runID = regexp.MustCompile(`Run ([0-9a-z]{10}):`)

func cmdRunShows(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	re := pattern(ts, args)
	if st.run == "" {
		ts.Fatalf("nobody asked for a run: %s", st.last.Text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got []string
	err := st.scene.Workspace.Wait(ctx, func() bool {
		got = nil
		for _, ch := range allChannels() {
			for _, m := range st.scene.Workspace.Messages(ch) {
				if strings.Contains(m.Text(), st.run) {
					got = append(got, m.Text())
				}
			}
		}
		return slices.ContainsFunc(got, re.MatchString)
	})
	if err != nil {
		ts.Fatalf("run %s did not become %s:\n%s", st.run, re, strings.Join(got, "\n"))
	}
}

func cmdSeeNone(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	re := pattern(ts, args)
	for _, ch := range allChannels() {
		for _, m := range allMessages(st.scene.Workspace, ch) {
			if re.MatchString(m.Text()) {
				ts.Fatalf("in %s stands:\n%s", ch, m.Text())
			}
		}
	}
}

func cmdSeeOnce(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	re := pattern(ts, args)
	n := 0
	for _, ch := range allChannels() {
		for _, m := range st.scene.Workspace.Messages(ch) {
			if re.MatchString(m.Text()) {
				n++
			}
		}
	}
	if n != 1 {
		ts.Fatalf("%s is said %d times", re, n)
	}
}

// allChannels returns all channels of a scene.
func allChannels() []string {
	return []string{scene.Prod, scene.Approve, scene.Elsewhere, scene.Fresh}
}

// cmdAllSent reads the bot's metrics: a message is visible before the bot has
// recorded it.
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
