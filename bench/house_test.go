package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/sim/node"
	"alsbot/sim/scene"
)

// house is a scene with alsbot in it, as a process of its own.
type house struct {
	b     *testing.B
	scene *scene.Scene
	bin   string
	dir   string
	admin string // address of health and metrics
	slack string // address of the listener in HTTP mode
	cmd   *exec.Cmd
	log   bytes.Buffer
	gone  chan struct{} // closed when cmd has ended
}

const patience = 2 * time.Minute // a safety limit

// furnish starts a scene. change edits the text of the config.
func furnish(b *testing.B, bin, mode string, change func(yaml string, c *node.Cluster) string) *house {
	b.Helper()
	h := &house{b: b, bin: bin, dir: b.TempDir(), admin: freeAddr(b), slack: freeAddr(b)}
	var err error
	h.scene, err = scene.Start(scene.Options{
		Dir: h.dir, Profile: node.ALS11, Mode: mode, HTTP: h.slack, Extra: "approval: {effects: [destroy]}\n",
	})
	must(b, err)
	b.Cleanup(func() { h.stop(); _ = h.scene.Close() })
	raw, err := os.ReadFile(h.scene.Config)
	must(b, err)
	yaml := strings.Replace(string(raw), `"127.0.0.1:0"`, h.admin, 1)
	if change != nil {
		yaml = change(yaml, h.scene.Cluster)
	}
	must(b, os.WriteFile(h.scene.Config, []byte(yaml), 0o600))
	return h
}

func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	must(b, l.Close())
	return l.Addr().String()
}

// start starts alsbot and returns the time until it was ready: it is connected
// to Slack, and its socket answers.
func (h *house) start() time.Duration {
	h.b.Helper()
	h.cmd = exec.Command(h.bin, "serve", "--config", h.scene.Config)
	h.cmd.Stderr = &h.log
	return h.launch(h.cmd, "http://"+h.admin+"/readyz")
}

// launch starts a process and waits until url answers 200.
func (h *house) launch(cmd *exec.Cmd, url string) time.Duration {
	h.b.Helper()
	gone := make(chan struct{})
	h.gone = gone
	began := time.Now()
	must(h.b, cmd.Start())
	go func() {
		defer close(gone)
		_ = cmd.Wait() // cmd.ProcessState says how it ended
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		resp, err := client.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		select {
		case <-gone:
			h.b.Fatalf("%s ended at once: %v\n%s", cmd.Path, cmd.ProcessState, h.log.String())
		case <-time.After(200 * time.Microsecond):
		}
		if time.Since(began) > patience {
			h.b.Fatalf("%s is not ready after %v\n%s", cmd.Path, patience, h.log.String())
		}
	}
}

// stop ends the process that start started.
func (h *house) stop() {
	if h.cmd != nil {
		end(h.cmd, h.gone)
		h.cmd = nil
	}
}

func end(cmd *exec.Cmd, gone chan struct{}) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		<-gone
	}
}

// memory returns the resident bytes of a process, and their peak since its
// start or since forget, as the kernel reports them.
func memory(b *testing.B, cmd *exec.Cmd) (now, peak int64) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	must(b, err)
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		kib, err := strconv.ParseInt(f[1], 10, 64)
		switch {
		case err != nil:
		case f[0] == "VmRSS:":
			now = kib << 10
		case f[0] == "VmHWM:":
			peak = kib << 10
		}
	}
	return now, peak
}

func forget(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	must(b, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", cmd.Process.Pid), []byte("5"), 0o600))
}

// ask types a command in a channel.
func (h *house) ask(channel, text string) string {
	h.b.Helper()
	ack, err := h.scene.Workspace.Say(h.b.Context(), scene.Ann, channel, "/als "+text)
	must(h.b, err)
	_, id, ok := strings.Cut(string(ack.Payload), "Run `")
	if !ok {
		h.b.Fatalf("%s made no run: %s", text, ack.Payload)
	}
	id, _, _ = strings.Cut(id, "`")
	return id
}

// answered waits until a channel shows a message that contains all words.
func (h *house) answered(channel string, words ...string) {
	h.b.Helper()
	ctx, cancel := context.WithTimeout(h.b.Context(), patience)
	defer cancel()
	err := h.scene.Workspace.Wait(ctx, func() bool {
		for _, m := range h.scene.Workspace.Messages(channel) {
			if hasAll(string(m.Blocks), words) {
				return true
			}
		}
		return false
	})
	if err != nil {
		h.b.Fatalf("no message with %q: %v\n%s\n%s", words, err, h.scene.Workspace.Transcript(channel), h.log.String())
	}
}

func hasAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// local returns a client for alsbot's socket, which the command line uses too.
func (h *house) local() *http.Client {
	socket := filepath.Join(h.dir, "alsbot.sock")
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}
