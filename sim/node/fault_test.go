package node_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/sim/node"
)

func TestFaults(t *testing.T) {
	type check func(*node.State) bool
	installed := func(s *node.State) bool { return len(s.Patches[0].Installed) == 2 && len(s.Patches[1].Installed) == 1 }
	untouched := func(s *node.State) bool { return s.Patches[0].Installed == nil && s.Patches[1].Installed == nil }
	onCore := func(s *node.State) bool { return s.Patches[0].Installed == nil && len(s.Patches[1].Installed) == 1 }
	dea := func(state string) check {
		return func(s *node.State) bool { return s.Nodes["10.0.0.12"].Roles["dea"].State == state }
	}
	for _, test := range []struct {
		profile, fault, value string
		args, stdin           string
		status                int
		says                  string
		state                 check
	}{
		{node.ALS13, "pretend", "yes", "patch install", "", 0, "role dea restarting...          ok", untouched},
		{node.ALS13, "exit", "1", "patch install", "", 1, "restarting", installed},
		{node.ALS10, "exit", "3:patch install", "patch install", "", 3, "restarting", installed},
		{node.ALS13, "exit", "3:patch status", "patch install", "", 0, "restarting", installed},
		{node.ALS13, "crash", "yes:patch install", "patch install", "", 1, "NoMethodError", untouched},
		{node.ALS11, "core-only", "yes", "patch install", "", 1, "10.0.0.12: installing...                   failed", onCore},
		{node.ALS13, "forget", "all", "patch install", "", 0, "restarting", untouched},
		{node.ALS13, "forget", "dea-memory-usage-reporting", "patch install", "", 0, "restarting", onCore},
		{node.ALS13, "unknown-ok", "yes", "patch install nonsense", "", 0, "", untouched},
		{node.ALS13, "manifest", "yes", "patch install", "", 1, "name resolution", untouched},
		{node.ALS13, "busy", "patch", "patch install", "", 1, "already in progress", untouched},
		{node.ALS13, "busy", "import", "patch install", "", 1, "Another kato job is in progress: import.", untouched},
		{node.ALS13, "fatal@10.0.0.12", "dea", "patch install", "", 0, "ok", dea("FATAL")},
		{node.ALS13, "fatal@10.0.0.13", "dea", "patch install", "", 0, "ok", dea("RUNNING")},
		{node.ALS13, "starting", "dea", "patch install", "", 0, "ok", dea("STARTING")},
		{node.ALS13, "prompt", "sudo", "patch install", "", 1, "sudo: no tty present", untouched},
		{node.ALS13, "prompt", "tty", "patch install", "", 1, "[sudo] password for helion: ", untouched},
		{node.ALS13, "prompt", "tty", "patch install", "secret\n", 0, "[sudo] password for helion: ", installed},
		{node.ALS13, "prompt", "password", "patch install", "", 1, "helion@10.0.0.10's password: ", untouched},
		{node.ALS13, "prompt", "confirm:patch install", "patch install", "Proceed\n", 0, `type "Proceed"`, installed},
		{node.ALS13, "prompt", "confirm", "patch install", "y\n", 1, "Aborted.", untouched},
		{node.ALS10, "prompt", "yesno", "patch install", "", 0, "Aborted.", untouched},
		{node.ALS13, "missing", "yes", "patch install", "", 127, "not found", untouched},
		{node.ALS13, "noise", "sizes,motd,ansi,cr", "status", "", 0, "\x1b[1;32mRUNNING\x1b[0m\r\n", nil},
		{node.ALS13, "noise", "sizes,motd", "version", "", 0, "updated.\n\nerror getting sizes\nApplication", nil},
		{node.ALS13, "hostile", "mentions", "version", "", 0, "1.3\n<!channel>", nil},
		{node.ALS13, "hostile", "fence:version", "version", "", 0, "```", nil},
		{node.ALS13, "hostile", "line=100000", "version", "", 0, strings.Repeat("x", 100000), nil},
		{node.ALS13, "variant", "comma", "node list", "", 0, "10.0.0.12 base, dea\n", nil},
		{node.ALS13, "variant", "table", "status", "", 0, "10.0.0.12  dea  RUNNING\n", nil},
	} {
		t.Run(test.fault+"="+test.value+" "+test.args, func(t *testing.T) {
			c := start(t, node.Options{Profile: test.profile})
			must(t, c.Fault(test.fault, test.value))
			out, status := exec(t, dial(t, c, c.Core), "sh -lc 'exec kato "+test.args+"'", test.stdin)
			if status != test.status || !strings.Contains(out, test.says) || (test.says == "" && out != "") {
				t.Errorf("status %d, printed:\n%.2000s", status, out)
			}
			if test.state != nil && !test.state(state(t, c)) {
				t.Errorf("the state is not as expected: %+v %+v", *state(t, c).Patches[0], *state(t, c).Patches[1])
			}
		})
	}
	c := start(t, node.Options{})
	if err := c.Fault("nonsense", "yes"); err == nil {
		t.Error("an unknown fault was taken")
	}
}

func TestHostileBytesAreExact(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Fault("hostile", "bytes=1000001"))
	out, _ := kato(t, c, "version")
	if n := len(out) - len("Application Lifecycle Service 1.3\n"); n != 1000001 {
		t.Errorf("%d bytes", n)
	}
}

func TestRoleStartsLater(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Fault("starting", "router=1h"))
	kato(t, c, "restart router")
	if out, status := kato(t, c, "process ready all"); status != 1 || out != "NOT READY: router2g\n" {
		t.Errorf("at once: status %d, %q", status, out)
	}
	must(t, c.Update(func(s *node.State) { s.Nodes[c.Core].Roles["router"].At = time.Now() })) // an hour passes
	if out, status := kato(t, c, "process ready --block 60 all"); status != 0 || out != "READY\n" {
		t.Errorf("later: status %d, %q", status, out)
	}
}

// A kato that is killed in the middle must not leave the cluster locked.
func TestKilledJobFreesTheCluster(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Fault("slow", "10s:patch install"))
	client := dial(t, c, c.Core)
	s, err := client.NewSession()
	must(t, err)
	defer s.Close()
	must(t, s.Start("sh -lc 'exec kato patch install'"))
	var calls []node.Call
	eventually(t, "the call", func() bool {
		calls, err = c.Called("patch", "install")
		must(t, err)
		return len(calls) == 1
	})
	eventually(t, "the refusal of a second one", func() bool {
		out, status := kato(t, c, "patch reset")
		return status == 1 && strings.Contains(out, "patch is already in progress")
	})
	if out, status := kato(t, c, "data import --cluster old-core.example.com"); status != 1 || !strings.Contains(out, "Another kato job is in progress: patch.") {
		t.Errorf("status %d:\n%s", status, out)
	}
	exec(t, client, "kill -9 "+itoa(calls[0].PID), "")
	eventually(t, "the end of the job", func() bool {
		_, status := kato(t, c, "patch reset")
		return status == 0
	})
	all, err := c.Calls()
	must(t, err)
	if !slices.ContainsFunc(all, func(call node.Call) bool { return slices.Equal(call.Argv, []string{"patch", "reset"}) }) {
		t.Errorf("the ledger lacks a call: %+v", all)
	}
}

func TestSilentAndForever(t *testing.T) {
	for fault, value := range map[string]string{"silent": "yes:version", "prompt": "forever:version"} {
		c := start(t, node.Options{})
		must(t, c.Fault(fault, value))
		s, err := dial(t, c, c.Core).NewSession()
		must(t, err)
		s.Stdin = strings.NewReader("y\nsecret\n")
		must(t, s.Start("sh -lc 'exec kato version'"))
		eventually(t, "the call", func() bool {
			calls, err := c.Called("version")
			must(t, err)
			return len(calls) == 1
		})
		ended := make(chan error, 1)
		go func() { ended <- s.Wait() }()
		select {
		case err := <-ended:
			t.Errorf("%s: ended with %v", fault, err)
		default:
		}
		must(t, c.Close())
		<-ended
	}
}
