package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/sim/node"
	"alsbot/sim/scene"
	"alsbot/sim/workspace"
	"alsbot/store"
)

// The scripts in testdata read like the channel. Each has a cluster, a
// workspace and alsbot itself as a process of its own, which can be killed.
//
//	scene [als10|als11|als13] [http] [fresh] [version=V] [shape=A|B|C] [user=U]
//	                                   choose the cluster and the mode; extra.yaml is added to the config; fresh adds
//	                                   @fresh, a second cluster on which nothing is set up
//	at prod|fresh                      which cluster the words about nodes and kato mean from now on
//	holds [APP…]                       the applications of the cluster, and no others
//	brought PART…                      the last import brought these, and no others
//	know HOST well|stranger|password   what ssh on @fresh asks at the first cluster's core, by that name
//	trust IP yes|no                    whether ssh from that node to the others asks nothing
//	setting COMPONENT KEY VALUE        somebody else sets it in the cluster's configuration
//	config KEY=VALUE                   an environment variable of the bot, before start
//	start | crash | halt               the bot; crash is kill -9, halt is SIGTERM
//	say PERSON TEXT                    type it (in #prod, or in $CHANNEL); $RUN is the run that it becomes
//	answer REGEXP                      what that person got back, privately
//	see REGEXP                         wait for a message in #prod or $CHANNEL, or in a thread there
//	became REGEXP                      wait for the message of the run that was asked for last, in any channel
//	told                               wait until the bot has noted that Slack has taken all messages
//	once REGEXP                        one message anywhere is like this, and only one
//	unseen REGEXP                      no message anywhere is like this
//	press PERSON BUTTON                on the newest message that has it, in $CHANNEL or any
//	twice [later]                      Slack delivers what is said or pressed next two times; later is on the next connection
//	reason PERSON [TEXT]               send in the modal that asks why
//	ran COUNT WORD…                    kato is called so often with these words, and no more by now
//	fault NAME [VALUE]                 of the cluster, see package node
//	publish NAME ROLE…                 a new patch
//	members GROUP PERSON…              who is in a user group from now on
//	have IP GLOB, ! have IP GLOB       files on a node
//	alsbot ARG…                        the command line, where the scene's config.yaml is
//	mount IP PATH DEVICE TYPE          a filesystem on a node
//	role IP ROLE STATE                 put a role of a node into a state
//	copy IP GLOB IP PATH               a file from one node to another
//	garble IP GLOB                     change a byte in the middle of files on a node
//	weighs BYTES                       how large exports are from now on, roughly
//	comes GLOB BYTES                   wait until a file on the bot's host has so many, or the bot has given it its name
//	gone IP PATH                       wait until a file on a node is there no more
//	aged RUN DURATION                  while the bot is down: the run's archive is older by so much
//	first-user yes|no                  whether the console's first user is set up
//	ended RUN IP                       wait until the run's first command has ended on the node, whoever knows it
//	held WORD…, freed WORD…            the kato that was called last with these words stops where it is, and goes on
//	unheard RUN DURATION               while the bot is down: the run's node has been out of reach for so long
//	did COUNT WORD…                    another simulated command of the nodes, such as quotaon, was called so often with these words
//	sudo IP yes|no                     whether the system user may use sudo there without a password
//	reboot IP                          a node starts anew: mounts without options, then its boot script
//	dies IP                            a node loses its power: what runs there ends, and it is down until fault down@IP is off
//	nowhere TEXT, ! nowhere TEXT       neither store, log, messages, nodes' files nor what ran there have this text
//
// $N10, $N11, $N12 and $N13 are where the roots of the nodes are, $F10 to $F12 those of @fresh. The words of
// testscript itself, kill and stop among them, come before ours.

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	testscript.Main(m, map[string]func(){"alsbot": main})
}

// patience is how long a script waits for what it expects. It is a safety
// limit, not a measurement.
const patience = 4 * time.Minute

// slackWaits is how long Slack waits for an acknowledgement here: what it
// measures is not what a script tells.
const slackWaits = 30 * time.Second

func TestScripts(t *testing.T) {
	t.Cleanup(func() { nothingLeft(t) })
	testscript.Run(t, testscript.Params{Dir: "../../testdata", Setup: setUp, Cmds: words()})
}

func words() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"scene": cmdScene, "config": cmdConfig, "start": cmdStart, "crash": cmdCrash, "halt": cmdHalt, "say": cmdSay, "answer": cmdAnswer,
		"see": cmdSee, "became": cmdBecame, "told": cmdTold, "unseen": cmdUnseen, "press": cmdPress, "twice": cmdTwice, "reason": cmdReason, "ran": cmdRan, "fault": cmdFault, "publish": cmdPublish,
		"members": cmdMembers, "have": cmdHave, "garble": cmdGarble, "aged": cmdAged, "gone": cmdGone, "weighs": cmdWeighs, "comes": cmdComes,
		"mount": cmdMount, "role": cmdRole, "copy": cmdCopy, "first-user": cmdFirstUser, "unheard": cmdUnheard, "ended": cmdEnded,
		"did": cmdDid, "reboot": cmdReboot, "dies": cmdDies, "sudo": cmdSudo, "nowhere": cmdNowhere,
		"at": cmdAt, "holds": cmdHolds, "brought": cmdBrought, "setting": cmdSetting, "know": cmdKnow, "once": cmdOnce, "trust": cmdTrust,
		"held": cmdHeld, "freed": cmdFreed,
	}
}

func setUp(env *testscript.Env) error {
	st := &stage{dir: env.WorkDir}
	env.Values["stage"] = st
	me, err := user.Current()
	if err != nil {
		return err
	}
	env.Setenv("ME", me.Username)
	env.Setenv("CHANNEL", "")
	env.Setenv("CONFIG", filepath.Join(env.WorkDir, "config.yaml"))
	for _, n := range []string{"10", "11", "12", "13"} {
		env.Setenv("N"+n, filepath.Join(env.WorkDir, "nodes", "10.0.0."+n))
		env.Setenv("F"+n, filepath.Join(env.WorkDir, "fresh", "10.0.1."+n))
	}
	env.Defer(func() {
		st.close()
		if strings.Contains(st.log(), "DATA RACE") {
			env.T().Fatal("a data race in the bot:\n" + st.log())
		}
		if st.scene != nil && len(st.scene.Workspace.Violations()) > 0 {
			env.T().Fatal("against Slack's rules: ", st.scene.Workspace.Violations())
		}
	})
	return nil
}

// stage is what one script plays on.
type stage struct {
	dir   string
	set   []string // ALSBOT_… of the bot
	scene *scene.Scene
	fresh bool // the words about nodes mean @fresh
	bot   *exec.Cmd
	gone  chan error // its end
	last  workspace.Ack
	run   string // asked for last
	http  string // where the bot listens in http mode
	asked string // who said or pressed something last
	where string
	since int // ephemerals that were there before
}

func on(ts *testscript.TestScript) *stage {
	st, ok := ts.Value("stage").(*stage)
	if !ok {
		ts.Fatalf("no stage")
	}
	if st.scene == nil {
		st.play(ts, nil)
	}
	return st
}

func (st *stage) close() {
	if st.bot != nil {
		_ = st.bot.Process.Kill()
		<-st.gone
	}
	if st.scene != nil {
		_ = st.scene.Close()
	}
}

func (st *stage) play(ts *testscript.TestScript, args []string) {
	o := scene.Options{Dir: st.dir, Profile: node.ALS13, Patience: slackWaits}
	for _, a := range args {
		if a == "http" {
			o.Mode, st.http = a, freeAddr(ts)
			o.HTTP = st.http
			continue
		}
		o.Profile = choose(&o, a)
	}
	if extra, err := os.ReadFile(filepath.Join(st.dir, "extra.yaml")); err == nil {
		o.Extra = string(extra)
	}
	var err error
	st.scene, err = scene.Start(o)
	ts.Check(err)
}

// freeAddr is a free port of an address that is nobody else's: no other
// program takes it between its choice and the bot's start.
func freeAddr(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

func cmdScene(ts *testscript.TestScript, _ bool, args []string) {
	st, _ := ts.Value("stage").(*stage)
	st.play(ts, args)
}

func cmdConfig(ts *testscript.TestScript, _ bool, args []string) {
	st, _ := ts.Value("stage").(*stage)
	st.set = append(st.set, args...)
}

func cmdStart(ts *testscript.TestScript, _ bool, _ []string) {
	st := on(ts)
	if st.bot != nil {
		ts.Fatalf("the bot is running: crash or halt it first")
	}
	st.bot = exec.Command("alsbot", "serve", "--config", st.scene.Config)
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(kv, "ALSBOT_") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			st.bot.Env = append(st.bot.Env, kv)
		}
	}
	st.bot.Env = append(st.bot.Env, st.set...)
	log, err := os.OpenFile(filepath.Join(st.dir, "bot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	st.bot.Stderr = log
	ts.Defer(func() { ts.Logf("the bot's log:\n%s", st.log()) })
	ts.Check(st.bot.Start())
	st.gone = make(chan error, 1)
	go func(bot *exec.Cmd) { st.gone <- bot.Wait() }(st.bot)
	st.await(ts, "the bot to be ready", func() bool {
		return st.answers("unix", filepath.Join(st.dir, "alsbot.sock")) &&
			(st.http == "" && st.scene.Workspace.Sockets() > 0 || st.http != "" && st.answers("tcp", st.http))
	})
}

// answers reports whether somebody listens there.
func (st *stage) answers(network, addr string) bool {
	c, err := net.DialTimeout(network, addr, patience)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// log is what the bot has logged in this script.
func (st *stage) log() string {
	b, err := os.ReadFile(filepath.Join(st.dir, "bot.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// await asks until cond holds: for what the workspace does not tell of.
func (st *stage) await(ts *testscript.TestScript, what string, cond func() bool) {
	for until := time.Now().Add(patience); !cond(); {
		select {
		case err := <-st.gone:
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
	st := on(ts)
	ts.Check(st.bot.Process.Kill())
	<-st.gone
	st.ended(ts)
}

func cmdHalt(ts *testscript.TestScript, _ bool, _ []string) {
	st := on(ts)
	ts.Check(st.bot.Process.Signal(syscall.SIGTERM))
	if err := <-st.gone; err != nil {
		ts.Fatalf("the bot did not stop well: %v", err)
	}
	st.ended(ts)
}

// ended waits until Slack knows too that the bot is gone, or it would send the
// next command to a socket that nobody reads.
func (st *stage) ended(ts *testscript.TestScript) {
	st.bot = nil
	st.await(ts, "the bot's sockets to end", func() bool { return st.scene.Workspace.Sockets() == 0 })
}

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
	st := on(ts)
	if len(args) < 2 {
		ts.Fatalf("usage: say PERSON TEXT")
	}
	st.asked, st.where = person(ts, args[0]), channel(ts)
	st.since = len(st.scene.Workspace.Ephemerals(st.asked, st.where))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	st.last, err = st.scene.Workspace.Say(ctx, st.asked, st.where, strings.Join(args[1:], " "))
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

func cmdAnswer(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
	re := pattern(ts, args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got string
	err := st.scene.Workspace.Wait(ctx, func() bool {
		got = st.last.Text
		for _, m := range st.scene.Workspace.Ephemerals(st.asked, st.where)[st.since:] {
			got += "\n" + m.Text()
		}
		return re.MatchString(got)
	})
	if err != nil {
		ts.Fatalf("no answer like %s; it was:\n%s", re, got)
	}
}

// everything is all messages of a channel, threads included.
func everything(w *workspace.Workspace, ch string) []workspace.Message {
	var all []workspace.Message
	for _, m := range w.Messages(ch) {
		all = append(all, m)
		all = append(all, w.Thread(ch, m.TS)...)
	}
	return all
}

func cmdSee(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
	re := pattern(ts, args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ch := channel(ts)
	err := st.scene.Workspace.Wait(ctx, func() bool {
		return slices.ContainsFunc(everything(st.scene.Workspace, ch), func(m workspace.Message) bool {
			return re.MatchString(m.Text())
		})
	})
	if err != nil {
		ts.Fatalf("no message like %s; the channel:\n%s", re, st.scene.Workspace.Transcript(ch))
	}
}

var runID = regexp.MustCompile(`Run ([0-9a-z]{10}):`)

func cmdBecame(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
	re := pattern(ts, args)
	if st.run == "" {
		ts.Fatalf("nobody asked for a run: %s", st.last.Text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got []string
	err := st.scene.Workspace.Wait(ctx, func() bool {
		got = nil
		for _, ch := range channels() {
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

func cmdUnseen(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
	re := pattern(ts, args)
	for _, ch := range channels() {
		for _, m := range everything(st.scene.Workspace, ch) {
			if re.MatchString(m.Text()) {
				ts.Fatalf("in %s stands:\n%s", ch, m.Text())
			}
		}
	}
}

func cmdPress(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
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
			for _, m := range slices.Backward(everything(w, ch)) {
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
	st.asked, st.where = person(ts, args[0]), on.Channel
	st.since = len(w.Ephemerals(st.asked, st.where))
	st.last, err = w.Press(ctx, st.asked, on.Channel, on.TS, args[1])
	ts.Check(err)
}

func cmdRan(ts *testscript.TestScript, _ bool, args []string) {
	st := on(ts)
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
	ts.Check(on(ts).cluster().Fault(args[0], value))
}

func cmdPublish(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(on(ts).cluster().Publish(node.Patch{Name: args[0], Description: "published by the script", Severity: "required", Roles: args[1:]}))
}

func cmdMembers(ts *testscript.TestScript, _ bool, args []string) {
	var ids []string
	for _, name := range args[1:] {
		ids = append(ids, person(ts, name))
	}
	ts.Check(on(ts).scene.Workspace.SetGroupMembers(args[0], ids...))
}

func cmdHave(ts *testscript.TestScript, neg bool, args []string) {
	c := on(ts).cluster()
	found, err := filepath.Glob(c.Path(args[0], args[1]))
	ts.Check(err)
	if (len(found) > 0) == neg {
		ts.Fatalf("on %s, %s: %v", args[0], args[1], found)
	}
}
