package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/sim/workspace"
)

// patience is how long a row waits. It is a safety limit, not a measurement.
const patience = 4 * time.Minute

// options say how a testbed is built.
type options struct {
	clusters int    // named c0, c1, …; all have the same nodes, so that runs go side by side; default 1
	oracle   oracle // zero: runs of 50 to 300 ms with up to 4 KiB
	binary   string // default: alsbot as shipped
	extra    string // YAML added to the config
	// core, if set, returns where the bot finds the core node: a proxy, an
	// sshd.
	core func(h *testbed, addr string) string
	// change, if set, edits the whole config.
	change func(yaml string) string
	http   bool             // slack.mode http
	people []workspace.User // added to the workspace
	// slackWaits is how long Slack waits for an acknowledgement. The default is
	// as long as Slack does, and longer in the short profile.
	slackWaits time.Duration
}

// testbed is a cluster, a workspace, a config and, after start, a bot.
type testbed struct {
	t      *testing.T
	dir    string
	nodes  *node.Cluster
	slack  *workspace.Workspace
	oracle oracle
	core   string // where the bot dials the core node
	config string
	listen string // of the bot, in http mode
	opts   options
	env    []string // added to the environment
	newest string   // the run judged last
	sshd   *sshd    // in front of the core node, if there is one

	mu   sync.Mutex
	bot  *exec.Cmd
	gone chan error
	args []string // of `alsbot serve`
	log  bytes.Buffer
}

// slackWaits is how long Slack waits for an acknowledgement.
const slackWaits = 3 * time.Second

// These are the people of the workspace.
const (
	ann = "U0ANN" // operator
	bob = "U0BOB" // approver
	cat = "U0CAT" // approver
	dan = "U0DAN" // viewer
)

func newTestbed(t *testing.T, o options) *testbed {
	t.Helper()
	o.clusters = max(1, o.clusters)
	h := &testbed{t: t, dir: tempDir(t), opts: o, oracle: o.oracle}
	if h.oracle.Max == 0 {
		h.oracle.Min, h.oracle.Max = 50*time.Millisecond, 300*time.Millisecond
	}
	if h.oracle.Bytes == 0 {
		h.oracle.Bytes = 4 << 10
	}
	h.oracle.Ledger = filepath.Join(h.dir, "ledger")
	if h.opts.slackWaits == 0 {
		h.opts.slackWaits = allowed(slackWaits)
	}
	if h.opts.binary == "" {
		h.opts.binary = buildBot(t)
	}
	var err error
	h.nodes, err = node.Start(node.Options{Dir: filepath.Join(h.dir, "nodes")})
	must(t, err)
	t.Cleanup(func() { _ = h.nodes.Close() })
	must(t, h.installOracle())
	h.slack = workspace.New(h.cast())
	must(t, h.slack.Start("127.0.0.1:0"))
	t.Cleanup(func() {
		h.kill()
		_ = h.slack.Close()
		if t.Failed() {
			t.Logf("the end of the bot's log:\n%s", h.lastLog(8<<10))
		}
	})
	h.core = h.nodes.Addr(h.nodes.Core)
	if o.core != nil {
		h.core = o.core(h, h.core)
	}
	h.config = filepath.Join(h.dir, "config.yaml")
	yaml := h.yaml()
	if o.change != nil {
		yaml = o.change(yaml)
	}
	must(t, os.WriteFile(h.config, []byte(yaml), 0o600))
	return h
}

// tempDir returns a directory with a short name: the name of a socket must not
// be long.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "faults-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noHistory is for a kato that stands in for the simulated one: its commands
// are in no history of that one, which must not be asked.
const noHistory = "[ \"$*\" = 'history --json' ] && exec echo '[]'\n"

// quickPS puts a ps as fast as a shell in front of the node's simulated one,
// which reads all of /proc: every run of the list calls ps.
func quickPS(home string) error {
	return os.WriteFile(filepath.Join(filepath.Dir(home), "usr", "bin", "ps"), []byte("#!/bin/sh\necho '1 /sbin/init'\n"), 0o755)
}

// installOracle puts the oracle in front of the nodes' kato.
func (h *testbed) installOracle() error {
	settings := h.settings()
	if err := h.oracle.write(settings); err != nil {
		return err
	}
	argv := oracleArgv(settings)
	for ip := range h.nodes.Addresses() {
		kato := filepath.Join(h.nodes.Home(ip), "bin", "kato")
		if err := os.Rename(kato, kato+".sim"); err != nil {
			return err
		}
		script := fmt.Sprintf("#!/bin/sh\n"+noHistory+"[ \"$*\" = 'patch update' ] && exec %s\nexec %s \"$@\"\n", strings.Join(argv, " "), kato+".sim")
		if err := errors.Join(os.WriteFile(kato, []byte(script), 0o755), quickPS(h.nodes.Home(ip))); err != nil {
			return err
		}
	}
	return nil
}

func (h *testbed) settings() string { return filepath.Join(h.dir, "oracle.json") }

// channelOf returns the channel of cluster i.
func channelOf(i int) string { return fmt.Sprintf("C0CLUSTER%d", i) }

func (h *testbed) cast() workspace.Options {
	w := workspace.Options{
		Users: []workspace.User{
			{ID: ann, Name: "ann"}, {ID: bob, Name: "bob"}, {ID: cat, Name: "cat"}, {ID: dan, Name: "dan"},
		},
		Groups:   []workspace.Group{{ID: "S0OPS", Handle: "ops", Members: []string{ann}}, {ID: "S0LEADS", Handle: "leads", Members: []string{bob, cat}}},
		BotToken: "xoxb-faults", AppToken: "xapp-faults", SigningSecret: "faults-signing-secret",
		AckTimeout: h.opts.slackWaits, TriggerLife: h.opts.slackWaits,
	}
	w.Users = append(w.Users, h.opts.people...)
	for i := range h.opts.clusters {
		w.Channels = append(w.Channels, workspace.Channel{ID: channelOf(i), Name: fmt.Sprintf("c%d", i)})
	}
	if h.opts.http {
		h.listen = freeAddr(h.t)
		w.AppToken, w.RequestURL = "", "http://"+h.listen
	}
	return w
}

// freeAddr returns an address where nothing listens. No other program uses this
// loopback address, so none can take the port before the test does.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (h *testbed) yaml() string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("slack:\n  bot_token: xoxb-faults\n  api_url: %s", h.slack.APIURL())
	if h.opts.http {
		w("  mode: http\n  signing_secret: faults-signing-secret\nhttp: {listen: %s}", h.listen)
	} else {
		w("  mode: socket\n  app_token: xapp-faults")
	}
	w("admin: {listen: \"127.0.0.1:0\", socket: %s}", h.socket())
	w("store: {path: %s}", h.store())
	w("access: {viewer: [\"*\"], operator: [S0OPS], approver: [S0LEADS]}")
	w("clusters:")
	for i := range h.opts.clusters {
		w("  - name: c%d\n    core: %s\n    user: %s", i, h.core, h.nodes.User)
		w("    identity_file: %s\n    known_hosts: %s", h.nodes.IdentityFile, h.nodes.KnownHosts)
		w("    channel: %s\n    approvals: %s", channelOf(i), channelOf(i))
		w("    addresses:")
		for ip, addr := range h.nodes.Addresses() {
			if ip == h.nodes.Core {
				addr = h.core
			}
			w("      %s: %s", ip, addr)
		}
	}
	b.WriteString(h.opts.extra)
	return b.String()
}

func (h *testbed) socket() string { return filepath.Join(h.dir, "alsbot.sock") }
func (h *testbed) store() string  { return filepath.Join(h.dir, "alsbot.db") }

// start starts the bot and waits until it listens to Slack and to the tests. It
// returns how long that took.
func (h *testbed) start(env ...string) time.Duration {
	h.t.Helper()
	took, err := h.tryStart(env...)
	must(h.t, err)
	return took
}

func (h *testbed) tryStart(env ...string) (time.Duration, error) {
	began := time.Now()
	if err := h.launch(env...); err != nil {
		return 0, err
	}
	for until := began.Add(patience); !h.ready(); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-h.gone:
			h.gone <- err
			return 0, fmt.Errorf("the bot has ended at its start: %v", err)
		default:
		}
		if time.Now().After(until) {
			return 0, errors.New("the bot does not become ready")
		}
	}
	return time.Since(began), nil
}

// socketsEnd is how long a start waits for earlier sockets to end.
const socketsEnd = 2 * time.Second

// launch starts the bot without waiting for it.
func (h *testbed) launch(env ...string) error {
	// Slack may still take the sockets of a killed bot for live ones.
	for until := time.Now().Add(socketsEnd); h.bot == nil && h.slack.Sockets() > 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
		continue
	}
	bot := exec.Command(h.opts.binary, append([]string{"serve", "--config", h.config}, h.args...)...)
	bot.Env = append(append(environ(), h.env...), env...)
	bot.Stderr = &lockedWriter{h: h}
	// The bot ends with the tests, and its process group is its own.
	bot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := bot.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- bot.Wait() }()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bot, h.gone = bot, gone
	return nil
}

// environ returns the environment without settings of alsbot and without
// proxies, behind which sockets are not renewed as politely.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(kv, "ALSBOT_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			env = append(env, kv)
		}
	}
	return env
}

type lockedWriter struct{ h *testbed }

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	return w.h.log.Write(p)
}

func (h *testbed) lastLog(n int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.log.Bytes()
	return string(b[max(0, len(b)-n):])
}

func (h *testbed) ready() bool {
	c, err := net.Dial("unix", h.socket())
	if err != nil {
		return false
	}
	_ = c.Close()
	if !h.opts.http {
		return h.slack.Sockets() > 0
	}
	if c, err = net.Dial("tcp", h.listen); err == nil {
		_ = c.Close()
	}
	return err == nil
}

// running reports whether there is a bot that has not ended.
func (h *testbed) running() bool {
	if h.bot == nil {
		return false
	}
	select {
	case err := <-h.gone:
		h.gone <- err
		return false
	default:
		return true
	}
}

// kill sends SIGKILL to the bot, if there is one.
func (h *testbed) kill() {
	if h.bot == nil {
		return
	}
	_ = h.bot.Process.Kill() // it may have ended
	<-h.gone
	h.bot = nil
}

// stop sends SIGTERM. It returns how long the bot took to end, and how it
// ended.
func (h *testbed) stop() (time.Duration, error) {
	began := time.Now()
	if err := h.bot.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	err := <-h.gone
	h.bot = nil
	return time.Since(began), err
}

// get asks the bot's local socket.
func (h *testbed) get(path string) ([]byte, error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", h.socket())
		},
	}}
	resp, err := client.Get("http://alsbot" + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, b)
	}
	return b, err
}

// run returns the run as the bot has it on record.
func (h *testbed) run(id string) (r runs.Run, err error) {
	b, err := h.get("/runs/" + id)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

// until waits until ok accepts the run.
func (h *testbed) until(id, what string, ok func(runs.Run) bool) (runs.Run, error) {
	var r runs.Run
	var err error
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(30 * time.Millisecond) {
		if r, err = h.run(id); err == nil && ok(r) {
			return r, nil
		}
	}
	return r, fmt.Errorf("run %s never was %s: it is %s %s %v", id, what, r.State, r.Trouble, err)
}

// end waits until a run is final.
func (h *testbed) end(id string) (runs.Run, error) {
	return h.until(id, "final", func(r runs.Run) bool { return r.State.Final() })
}

// verify waits for a run's end and checks it against the oracle: it began once,
// its output and status are true, one message shows it, the audit log is whole.
func (h *testbed) verify(id string) error {
	r, err := h.checkRun(id)
	if err != nil {
		return err
	}
	return h.checkShownOnce(r)
}

// checkRun is verify without counting messages.
func (h *testbed) checkRun(id string) (runs.Run, error) {
	r, err := h.checkEnd(id)
	return r, errors.Join(err, h.checkAudit())
}

// checkEnd is checkRun without the audit log, which takes its time where the
// store has many runs.
func (h *testbed) checkEnd(id string) (r runs.Run, err error) {
	r, err = h.end(id)
	if err != nil {
		return r, err
	}
	if len(r.Steps) != 1 {
		return r, fmt.Errorf("run %s has %d steps: %s %s", id, len(r.Steps), r.State, r.Trouble)
	}
	out, err := h.get("/runs/" + id + "/output")
	if err != nil {
		return r, err
	}
	step := r.Steps[0]
	return r, errors.Join(h.oracle.checkRan(step.ID, 1), h.oracle.checkOutput(step.ID, out, step.Exit))
}

// checkAudit returns an error if the audit log is damaged, or a record is not
// what the log covers.
func (h *testbed) checkAudit() error {
	_, err := h.get("/audit")
	return err
}

// checkShownOnce waits until a run's message shows its end, and counts its messages.
func (h *testbed) checkShownOnce(r runs.Run) error {
	n, err := h.countMessages(r)
	if err == nil && n != 1 {
		err = fmt.Errorf("run %s has %d messages, not 1", r.ID, n)
	}
	return err
}

// countMessages waits until a message shows the run's end, and returns how many messages
// of its own the run has.
func (h *testbed) countMessages(r runs.Run) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n := 0
	err := h.slack.Wait(ctx, func() bool {
		final := false
		n = 0
		for _, m := range h.slack.Messages(r.Origin.Channel) {
			if m.Thread != "" || m.User != workspace.BotUser {
				continue
			}
			if tells, of := showsRun(m.Text(), r.ID); tells {
				n++
				final = final || strings.Contains(strings.ToLower(of), string(r.State))
			}
		}
		return final
	})
	if err != nil {
		transcript := h.slack.Transcript(r.Origin.Channel)
		return n, fmt.Errorf("no message shows that run %s is %s; the end of the channel:\n%s", r.ID, r.State, transcript[max(0, len(transcript)-4000):])
	}
	return n, nil
}

// showsRun reports whether a message is a run's own, or a digest, and which part
// of it is about this run. Other messages may mention the run too.
func showsRun(text, id string) (tells bool, part string) {
	together := strings.Contains(text, "While Slack could not be reached")
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case together && (strings.HasSuffix(line, "run "+id) || strings.Contains(line, "run "+id+": ")):
			return true, line
		case strings.HasSuffix(line, "run "+id):
			return true, text
		}
	}
	return false, ""
}
