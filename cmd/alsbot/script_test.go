package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/app"
	"alsbot/sim/node"
	"alsbot/sim/scene"
	"alsbot/sim/workspace"
	"alsbot/store"
)

// The scripts in testdata read like the channel. Each script has a cluster, a
// workspace, and alsbot as a process of its own, which the script can kill.
//
// The scene and the bot:
//
//	scene [als10|als11|als13] [http] [fresh] [outsiders] [version=V] [shape=A|B|C] [user=U]
//	                                   start the cluster and the workspace; extra.yaml is added to the config; fresh adds
//	                                   @fresh, a second cluster on which nothing is set up; outsiders adds gus, a guest, and
//	                                   sue of another organization, to the people and to every group
//	cluster prod|fresh                 choose the cluster that the words about nodes and kato mean from now on
//	bot-env KEY=VALUE                  set an environment variable of the bot, before start
//	start [FLAG…] | crash | halt       start the bot; kill it with SIGKILL; stop it with SIGTERM
//	alsbot ARG…                        run the command line, in the directory of the scene's config.yaml
//
// What people do:
//
//	say PERSON TEXT                    type TEXT in #prod or $CHANNEL; $RUN is set to the run that it becomes
//	press PERSON BUTTON                press a button of the newest message that has it, in $CHANNEL or in any channel
//	give-reason PERSON [TEXT]          submit the modal that asks for a reason
//	deliver-twice [later]              make Slack deliver the next text or press two times; later: again on the next connection
//	set-group GROUP PERSON…            set the members of a user group
//
// What people see:
//
//	answer REGEXP                      wait for the private answer to the last say, press or give-reason
//	see REGEXP                         wait for a message in #prod or $CHANNEL, or in a thread there
//	see-once REGEXP                    exactly one message in any channel matches
//	see-none REGEXP                    no message in any channel matches
//	run-shows REGEXP                   wait until the message of the run requested last matches, in any channel
//	all-sent                           wait until the bot has recorded that Slack has taken every message
//
// What happens on nodes:
//
//	kato-ran COUNT WORD…               wait until kato was called COUNT times with these words; more calls fail
//	tool-ran COUNT WORD…               the same for another simulated command of the nodes, such as quotaon
//	node-has IP GLOB, ! node-has …     a node has files that match; it has none
//	wait-gone IP PATH                  wait until a node no longer has a file
//	wait-file GLOB BYTES               wait until a file on the bot's host has BYTES, or the bot has renamed it to its final name
//	wait-ended RUN IP                  wait until the run's first command has ended on the node, whether or not the bot knows
//	has-apps [APP…]                    the cluster has exactly these applications
//	imported PART…                     the last import imported exactly these parts
//	absent TEXT, ! absent TEXT         TEXT is nowhere: not in the store, the log, messages, nodes' files or commands that ran
//
// What others do to the cluster:
//
//	fault NAME [VALUE]                 switch on a fault of the cluster, or off without VALUE; see package node
//	publish-patch NAME ROLE…           publish a new patch
//	set-config COMPONENT KEY VALUE     set a value in the cluster's configuration
//	set-role IP ROLE STATE             put a role of a node into a state
//	add-mount IP PATH DEVICE TYPE      mount a filesystem on a node
//	copy-file IP GLOB IP PATH          copy a file from one node to another
//	corrupt IP GLOB                    change a byte in the middle of files on a node
//	export-size BYTES                  set how large exports are from now on, roughly
//	first-user yes|no                  set whether the console's first user is set up
//	sudo IP yes|no                     set whether the system user may use sudo on the node without a password
//	ssh-trust IP yes|no                set whether ssh from that node to the other nodes asks nothing
//	ssh-host HOST known|unknown|password
//	                                   set what ssh on @fresh asks at the first cluster's core, under that name
//	pause-kato WORD…, resume-kato …    stop the kato that was called last with these words where it is; let it go on
//	reboot IP                          restart a node: mounts lose their options, then its boot script runs
//	power-off IP                       cut a node's power: what runs there ends, and it is down until fault down@IP is off
//
// Time, moved in the store while the bot is down:
//
//	age-backup RUN DURATION            make the run's archive older by DURATION
//	age-unreachable RUN DURATION       make the run's node unreachable since DURATION ago
//
// What others do to the store, while the bot is down:
//
//	edit-record BUCKET KEY OLD NEW     replace the first OLD in a record by NEW
//	drop-record BUCKET KEY             remove a record
//
// $N10 to $N13 are the root directories of the nodes, $F10 to $F12 those of
// @fresh. Testscript's own words, kill and stop among them, win over ours.

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	testscript.Main(m, map[string]func(){"alsbot": main})
}

// patience is how long a script waits. It is a safety limit, not a measurement.
const patience = 4 * time.Minute

// slackWaits is how long Slack waits for an acknowledgement in a script.
// Slack's own limit is not under test.
const slackWaits = 30 * time.Second

func TestScripts(t *testing.T) {
	t.Cleanup(func() { checkNoProcessLeft(t) })
	testscript.Run(t, testscript.Params{Dir: "../../testdata", Setup: setUp, Cmds: scriptWords()})
}

func scriptWords() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"scene": cmdScene, "cluster": cmdCluster, "bot-env": cmdBotEnv, "start": cmdStart, "crash": cmdCrash, "halt": cmdHalt,

		"say": cmdSay, "press": cmdPress, "give-reason": cmdGiveReason, "deliver-twice": cmdDeliverTwice, "set-group": cmdSetGroup,

		"answer": cmdAnswer, "see": cmdSee, "see-once": cmdSeeOnce, "see-none": cmdSeeNone, "run-shows": cmdRunShows, "all-sent": cmdAllSent,

		"kato-ran": cmdKatoRan, "tool-ran": cmdToolRan, "node-has": cmdNodeHas, "wait-gone": cmdWaitGone, "wait-file": cmdWaitFile,
		"wait-ended": cmdWaitEnded, "has-apps": cmdHasApps, "imported": cmdImported, "absent": cmdAbsent,

		"fault": cmdFault, "publish-patch": cmdPublishPatch, "set-config": cmdSetConfig, "set-role": cmdSetRole, "add-mount": cmdAddMount,
		"copy-file": cmdCopyFile, "corrupt": cmdCorrupt, "export-size": cmdExportSize, "first-user": cmdFirstUser, "sudo": cmdSudo,
		"ssh-trust": cmdSSHTrust, "ssh-host": cmdSSHHost, "pause-kato": cmdPauseKato, "resume-kato": cmdResumeKato,
		"reboot": cmdReboot, "power-off": cmdPowerOff,

		"age-backup": cmdAgeBackup, "age-unreachable": cmdAgeUnreachable,

		"edit-record": cmdEditRecord, "drop-record": cmdDropRecord,
	}
}

func setUp(env *testscript.Env) error {
	st := &stage{dir: env.WorkDir}
	env.Values["stage"] = st
	env.Setenv("ME", app.OwnAccount())
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

// stage is the state of one script.
type stage struct {
	dir        string
	botEnv     []string // ALSBOT_… of the bot
	scene      *scene.Scene
	fresh      bool // the words about nodes mean @fresh
	bot        *exec.Cmd
	exited     chan error // receives the error with which the bot ended
	last       workspace.Ack
	run        string // the run requested last
	http       string // where the bot listens in http mode
	speaker    string // the person who typed or pressed last
	channel    string
	seenBefore int // private answers that were there before
}

func stageOf(ts *testscript.TestScript) *stage {
	st, ok := ts.Value("stage").(*stage)
	if !ok {
		ts.Fatalf("no stage")
	}
	if st.scene == nil {
		st.startScene(ts, nil)
	}
	return st
}

func (st *stage) close() {
	if st.bot != nil {
		_ = st.bot.Process.Kill()
		<-st.exited
	}
	if st.scene != nil {
		_ = st.scene.Close()
	}
}

func (st *stage) startScene(ts *testscript.TestScript, args []string) {
	o := scene.Options{Dir: st.dir, Profile: node.ALS13, Patience: slackWaits}
	for _, a := range args {
		if a == "http" {
			o.Mode, st.http = a, freeAddr(ts)
			o.HTTP = st.http
			continue
		}
		o.Profile = applySceneArg(&o, a)
	}
	if extra, err := os.ReadFile(filepath.Join(st.dir, "extra.yaml")); err == nil {
		o.Extra = string(extra)
	}
	var err error
	st.scene, err = scene.Start(o)
	ts.Check(err)
}

// freeAddr returns an address where nothing listens. No other program uses this
// loopback address, so none can take the port before the bot starts.
func freeAddr(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// Testscript's own words win over ours, so a word of ours with the same name
// would never be called. The test calls each word once.
func TestScriptWordsDoNotShadowTestscript(t *testing.T) {
	heard := map[string]bool{}
	listen := scriptWords()
	for word := range listen {
		listen[word] = func(*testscript.TestScript, bool, []string) { heard[word] = true }
	}
	all := slices.Sorted(maps.Keys(listen))
	for _, word := range all {
		script := filepath.Join(t.TempDir(), word+".txtar")
		if err := os.WriteFile(script, []byte(word+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run("said", func(t *testing.T) { testscript.Run(t, testscript.Params{Files: []string{script}, Cmds: listen}) })
		if !heard[word] {
			t.Errorf("the word %q is one of testscript's own: choose another", word)
		}
	}
}
