package executor_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/executor"
)

func TestCancelBeforeStart(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x := newExecutor(t)
	ctx := testContext(t)
	must(t, x.Cancel(ctx, s.target(), "never", 0))
	canary := filepath.Join(t.TempDir(), "ran")
	l := newSink()
	exit, err := x.Run(ctx, s.target(), executor.Command{ID: "never", Argv: []string{"/bin/touch", canary}}, l)
	if err != nil || exit.State != executor.Revoked || l.happened() != "" {
		t.Fatalf("%+v %v %s", exit, err, l.happened())
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("it ran")
	}
}

func TestCleanAndList(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x := newExecutor(t)
	ctx := testContext(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	if all, err := x.List(ctx, s.target()); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	command := executor.Command{ID: "old", Argv: sh("echo x | tee -a " + ledger + "; exit 3")}
	_, err := x.Run(ctx, s.target(), command, newSink())
	must(t, err)
	argv, open := gatedCommand(t)
	l := newSink()
	done := runInBackground(ctx, x, s.target(), executor.Command{ID: "busy", Argv: argv}, l)
	l.await(t, "output")
	must(t, x.Cancel(ctx, s.target(), "void", 0))
	checkRefused(t, x.Clean(ctx, s.target(), "busy"), executor.Node, "busy is running")
	must(t, x.Clean(ctx, s.target(), "unheard-of"))
	for range 2 {
		must(t, x.Clean(ctx, s.target(), "old"))
	}

	odd := filepath.Join(s.home, s.target().RunsDir, "no run")
	must(t, os.Mkdir(odd, 0o700))
	write(t, filepath.Join(odd, "exit"), "", 0o600)

	all, err := x.List(ctx, s.target())
	must(t, err)
	for i := range all {
		if ago := time.Since(all[i].At); (ago < -time.Second || ago > time.Minute) != (all[i].State == executor.Revoked) {
			t.Errorf("%s since %s", all[i].ID, all[i].At)
		}
		all[i].At = time.Time{}
	}
	want := []executor.Held{
		{ID: "busy", State: executor.Running, Size: int64(len("before\n")), Command: executor.Quote(argv)},
		{ID: "old", State: executor.Finished, Status: 3, Size: 2},
		{ID: "void", State: executor.Revoked},
	}
	if !slices.Equal(all, want) {
		t.Errorf("%+v", all)
	}
	open()
	must(t, (<-done).err)

	// A late duplicate start finds the tombstone.
	exit, err := x.Run(ctx, s.target(), command, newSink())
	checkRefused(t, err, executor.Node, "only 0 of 2 bytes")
	if exit.State != executor.Finished || exit.Status != 3 || read(t, ledger) != "x\n" {
		t.Errorf("%+v, ledger %q", exit, read(t, ledger))
	}
	command.Offset = 2
	if _, err = x.Run(ctx, s.target(), command, newSink()); err != nil {
		t.Error(err)
	}
	// The tombstone goes after its time, and nothing else does.
	past := time.Now().Add(-40 * 24 * time.Hour)
	for _, id := range []string{"old", "busy"} {
		must(t, os.Chtimes(filepath.Join(s.run(id), "claim"), past, past))
	}
	must(t, x.Clean(ctx, s.target(), "void"))
	all, err = x.List(ctx, s.target())
	must(t, err)
	if len(all) != 2 || all[0].ID != "busy" || all[1].ID != "void" {
		t.Errorf("%+v", all)
	}
}

// T16, F34: others could tamper with the runs_dir, or it belongs to someone
// else.
func TestRunsDir(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x := newExecutor(t)
	ctx := testContext(t)
	canary := filepath.Join(t.TempDir(), "ran")
	command := executor.Command{ID: "a", Argv: []string{"/bin/touch", canary}}
	good := filepath.Join(s.home, "good")
	must(t, os.Mkdir(good, 0o700))
	for _, c := range []struct {
		name  string
		make  func(dir string)
		kind  executor.Kind
		words string
	}{
		{"readable by others", func(d string) { must(t, os.Mkdir(d, 0o755)) }, executor.Unsafe, "drwxr-xr-x"},
		{"a link", func(d string) { must(t, os.Symlink(good, d)) }, executor.Unsafe, "symbolic link"},
		{"a file", func(d string) { write(t, d, "", 0o600) }, executor.Node, "File exists"},
		{"in a directory open to all", func(d string) {
			must(t, os.Mkdir(filepath.Dir(d), 0o700))
			must(t, os.Chmod(filepath.Dir(d), 0o777))
		}, executor.Unsafe, "written by others"},
		{"of another installation", func(d string) {
			must(t, os.Mkdir(d, 0o700))
			write(t, filepath.Join(d, ".owner"), "somebody-else end\n", 0o600)
		}, executor.Foreign, "somebody-else"},
		{"half an owner", func(d string) { must(t, os.Mkdir(d, 0o700)); write(t, filepath.Join(d, ".owner"), "unnamed", 0o600) }, executor.Foreign, ".owner"},
		{"the run is a link", func(d string) { must(t, os.Mkdir(d, 0o700)); must(t, os.Symlink(good, filepath.Join(d, "a"))) }, executor.Unsafe, "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := s.target()
			node.RunsDir = filepath.Join(s.home, strings.ReplaceAll(c.name, " ", "-"), "runs")
			if c.name != "in a directory open to all" {
				must(t, os.Mkdir(filepath.Dir(node.RunsDir), 0o700))
			}
			c.make(node.RunsDir)
			_, err := x.Run(ctx, node, command, newSink())
			checkRefused(t, err, c.kind, c.words)
			if kind(x.Cancel(ctx, node, "a", 0)) == "" {
				t.Error("cancel was not refused")
			}
		})
	}
	t.Run("of another user", func(t *testing.T) {
		needRoot(t)
		node := s.target()
		node.RunsDir = filepath.Join(s.home, "theirs")
		must(t, os.Mkdir(node.RunsDir, 0o700))
		must(t, os.Chown(node.RunsDir, 65534, 65534))
		_, err := x.Run(ctx, node, command, newSink())
		checkRefused(t, err, executor.Unsafe, "65534")
	})
	for _, bad := range []string{"", "/", ".", "..", "../x", "a/../../x", "a//b", "a\nb", "a/"} {
		node := s.target()
		node.RunsDir = bad
		_, err := x.Run(ctx, node, command, newSink())
		checkRefused(t, err, executor.Setup, "runs_dir")
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("it ran")
	}
	t.Run("two installations", func(t *testing.T) {
		one, two := newExecutor(t), newExecutor(t)
		one.Owner, two.Owner = "one", "two"
		_, err := one.Run(ctx, s.target(), executor.Command{ID: "b", Argv: sh("exit 0")}, newSink())
		must(t, err)
		_, err = two.Run(ctx, s.target(), executor.Command{ID: "b", Argv: sh("exit 0")}, newSink())
		checkRefused(t, err, executor.Foreign, "one in")
		if _, err = two.List(ctx, s.target()); kind(err) != executor.Foreign {
			t.Error(err)
		}
	})
}
