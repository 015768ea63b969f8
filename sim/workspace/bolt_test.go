package workspace_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/sim/workspace"
)

// bolt installs the official client into the user's cache, once for each
// package-lock.json, and returns the directory that holds node_modules.
func bolt(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		lacks(t, "npm", "this test runs Slack's official client on Node.js 20 or later")
	}
	lock, err := os.ReadFile("testdata/bolt/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "alsbot-test", "bolt-"+hex.EncodeToString(sum[:8]))
	if _, err = os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return dir
	}
	// Install into a temporary directory and rename it, so an interrupted or
	// concurrent run leaves nothing half done.
	if err = os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err = os.CopyFS(fresh, os.DirFS("testdata/bolt")); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for range 3 { // the registry may fail for a moment
		install := exec.CommandContext(t.Context(), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
		install.Dir = fresh
		if out, err = install.CombinedOutput(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("installing @slack/bolt with npm ci: %v\n%s", err, out)
	}
	if err = os.Rename(fresh, dir); err != nil {
		if _, stat := os.Stat(filepath.Join(dir, "node_modules")); stat != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOfficialBoltClient(t *testing.T) {
	dir := bolt(t)
	script, err := filepath.Abs("testdata/bolt/app.js")
	if err != nil {
		t.Fatal(err)
	}
	w, ctx := start(t, nil), within(t)
	node := exec.CommandContext(ctx, "node", script)
	node.Dir, node.Stderr = dir, os.Stderr
	node.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"), "BOT_TOKEN="+botToken, "APP_TOKEN="+appToken, "API_URL="+w.APIURL())
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	expect := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("bolt said %q, want %q (%v)", lines.Text(), want, lines.Err())
		}
	}
	expect("started")
	got, err := w.Say(ctx, ann, ops, "/als patch status")
	if err != nil || got.Text != "on it" {
		t.Fatalf("the command was answered with %q, %v", got.Text, err)
	}
	expect("command U0ANN patch status")
	m, err := w.WaitMessage(ctx, ops, func(m workspace.Message) bool { return strings.HasPrefix(m.Text(), "Install *3* patches?") })
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.Ephemerals(ann, ops)); n != 2 {
		t.Errorf("%d private answers, want the acknowledgement and the response_url's", n)
	}
	if _, err = w.Press(ctx, ben, ops, m.TS, "Approve"); err != nil {
		t.Fatal(err)
	}
	expect("action U0BEN approve run-1")
	if err = w.Wait(ctx, func() bool { _, ok := w.Modal(ben); return ok }); err != nil {
		t.Fatal(err)
	}
	if m = w.Messages(ops)[0]; m.Text() != "approved" {
		t.Errorf("the message was updated to %q", m.Text())
	}
	if _, err = w.Submit(ctx, ben, map[string][]string{"a": {"it is Sunday"}}); err != nil {
		t.Fatal(err)
	}
	expect("view it is Sunday")
	if _, err = w.Say(ctx, ann, ops, "@alsbot thanks"); err != nil {
		t.Fatal(err)
	}
	expect("mention <@U0ALSBOT> thanks")
	if err = stdin.Close(); err != nil {
		t.Fatal(err)
	}
	expect("stopped")
	_, _ = io.Copy(io.Discard, stdout)
	if err = node.Wait(); err != nil {
		t.Errorf("bolt ended with %v", err)
	}
	if err = w.Wait(ctx, func() bool { return w.Sockets() == 0 }); err != nil {
		t.Fatal(err)
	}
	if codes := w.CloseCodes(); len(codes) != 1 || codes[0] != 1000 {
		t.Errorf("the socket was closed with %v, want 1000", codes)
	}
	if v := w.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}
