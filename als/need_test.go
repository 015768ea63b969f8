package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// idle is a list of processes without kato.
const idle = "    1 /sbin/init\n  812 /usr/sbin/sshd -D\n"

func TestReadJobs(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"4712 ruby /home/helion/bin/kato data export --cluster /mnt/x.tgz", "data export"},
		{"4712 /home/helion/.rbenv/versions/1.9.3/bin/ruby1.9 -W0 /home/helion/bin/kato node upgrade --cluster", "node upgrade"},
		{"  4712 kato restart", "restart"},
		{"4712 bash -lc /home/helion/bin/kato patch install --json", "patch install"},
		{"4712 \x1b[1mkato\x1b[0m import", ""},
		{"4712 ruby /home/helion/bin/kato node upgrade --status", ""},
		{"4712 ruby /home/helion/bin/kato status", ""},
		{"4712 ruby /home/helion/bin/kato startle", ""},
		{"4712 vim kato data export", ""},
		{"4712 ruby -W0", ""},
		{"4712 /opt/mikato data export", ""},
	} {
		jobs, err := als.ReadJobs([]byte(idle + tt.line + "\n" + tt.line + "\n"))
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.line, err)
		case tt.want == "" && len(jobs) == 0:
		case len(jobs) != 1 || jobs[0] != als.Job{PID: 4712, Command: tt.want}:
			t.Errorf("%s: %+v", tt.line, jobs)
		}
	}
	for _, none := range []string{"", "ps: command not found\n", "-1 kato restart\n", "0 kato restart\n", idle + "0 kato restart\n", idle + "4713\n", "PID COMMAND\n"} {
		if jobs, err := als.ReadJobs([]byte(none)); err == nil {
			t.Errorf("%q: %+v", none, jobs)
		}
	}
}

// Every check says what it requires, why, and how to fix it. Its probes change
// nothing, and it does not take silence for good news.
func TestPreconditions(t *testing.T) {
	c := testCluster()
	names := map[string]bool{}
	for _, need := range als.Preconditions(c) {
		names[need.Name] = true
		if need.Why == "" || need.Fix.Empty() || !need.Warn {
			t.Errorf("%+v", need.Check)
		}
		f, amiss := need.Finding(c, nil)
		if looks := need.Probes(c); amiss != (len(looks) > 0) {
			t.Errorf("%s, with nothing seen: %v %+v", need.Name, amiss, f)
		}
		for _, s := range need.Probes(c) {
			if !s.Repeatable || !s.Tolerate {
				t.Errorf("%s: %+v", need.Name, s)
			}
		}
		if strings.Contains(f.Fix.Text, "NODE") || strings.Contains(f.Fix.Text, "CLUSTER") {
			t.Errorf("%s: %s", need.Name, f.Fix.Text)
		}
	}
	if len(names) != 8 {
		t.Errorf("%v", names)
	}
}

// A plan also says which preconditions are met.
func TestPlanSaysWhatWasChecked(t *testing.T) {
	req, op := asked(t, "upgrade node --node 10.0.0.12")
	rs := als.Results{{Key: "sudo", Node: "10.0.0.12"}, {Key: "jobs", Node: als.Core, Output: []byte(idle)},
		{Key: "room", Node: "10.0.0.12", Output: []byte("free=20000000000\nmemory=4000000000\n")},
		{Key: "roles", Node: als.Core, Output: []byte(running)}, {Key: "maintenance", Node: als.Core, Output: []byte("false\n")}}
	plan, err := op.Plan(req, testCluster(), rs)
	must(t, err)
	if want := "Checked: kato is doing nothing else there; all roles run; enough disk is free; enough memory is free; sudo asks for no password."; !strings.Contains(plan.Text(), want) {
		t.Errorf("no %q in:\n%s", want, plan.Text())
	}
}
