package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdScene(ts *testscript.TestScript, _ bool, args []string) {
	st, _ := ts.Value("stage").(*stage)
	st.startScene(ts, args)
}

func cmdBotEnv(ts *testscript.TestScript, _ bool, args []string) {
	st, _ := ts.Value("stage").(*stage)
	st.botEnv = append(st.botEnv, args...)
}

func cmdStart(ts *testscript.TestScript, _ bool, args []string) {
	st := stageOf(ts)
	if st.bot != nil {
		ts.Fatalf("the bot is running: crash or halt it first")
	}
	st.bot = exec.Command("alsbot", append([]string{"serve", "--config", st.scene.Config}, args...)...)
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(kv, "ALSBOT_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			st.bot.Env = append(st.bot.Env, kv)
		}
	}
	st.bot.Env = append(st.bot.Env, st.botEnv...)
	log, err := os.OpenFile(filepath.Join(st.dir, "bot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	st.bot.Stderr = log
	ts.Defer(func() { ts.Logf("the bot's log:\n%s", st.log()) })
	ts.Check(st.bot.Start())
	st.exited = make(chan error, 1)
	go func(bot *exec.Cmd) { st.exited <- bot.Wait() }(st.bot)
	st.await(ts, "the bot to be ready", func() bool {
		return st.listening("unix", filepath.Join(st.dir, "alsbot.sock")) &&
			(st.http == "" && st.scene.Workspace.Sockets() > 0 || st.http != "" && st.listening("tcp", st.http))
	})
}

// listening reports whether something listens at addr.
func (st *stage) listening(network, addr string) bool {
	c, err := net.DialTimeout(network, addr, patience)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// log returns what the bot has logged in this script.
func (st *stage) log() string {
	b, err := os.ReadFile(filepath.Join(st.dir, "bot.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// await asks again and again until cond is true, for what the workspace doesn't
// report.
func (st *stage) await(ts *testscript.TestScript, what string, cond func() bool) {
	for until := time.Now().Add(patience); !cond(); {
		select {
		case err := <-st.exited:
			st.bot = nil
			ts.Fatalf("waiting for %s: the bot has ended: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(until) {
			ts.Fatalf("gave up waiting for %s", what)
		}
	}
}

func cmdCrash(ts *testscript.TestScript, _ bool, _ []string) {
	st := stageOf(ts)
	ts.Check(st.bot.Process.Kill())
	<-st.exited
	st.awaitSocketsClosed(ts)
}

func cmdHalt(ts *testscript.TestScript, _ bool, _ []string) {
	st := stageOf(ts)
	ts.Check(st.bot.Process.Signal(syscall.SIGTERM))
	if err := <-st.exited; err != nil {
		ts.Fatalf("the bot did not stop well: %v", err)
	}
	st.awaitSocketsClosed(ts)
}

// awaitSocketsClosed waits until Slack knows that the bot is gone. Else Slack
// would send the next command to a socket that no one reads.
func (st *stage) awaitSocketsClosed(ts *testscript.TestScript) {
	st.bot = nil
	st.await(ts, "the bot's sockets to end", func() bool { return st.scene.Workspace.Sockets() == 0 })
}
