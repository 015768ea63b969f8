package node_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"alsbot/sim/node"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestCommands runs every command on a fresh cluster and checks its output and
// exit status.
func TestCommands(t *testing.T) {
	for _, test := range []struct {
		profile, args, stdin string
		status               int
		want                 string // the whole output, or with … at an end: a part of it
	}{
		{node.ALS10, "version", "", 0, "3.0.1\n"},
		{node.ALS11, "version", "", 0, "3.4.2\n"},
		{node.ALS13, "node version 10.0.0.12", "", 0, "Application Lifecycle Service 1.3\n"},
		{node.ALS13, "node list", "", 0, "10.0.0.10 base controller primary router\n" +
			"10.0.0.11 base filesystem memcached mysql postgresql rabbit redis\n10.0.0.12 base dea\n10.0.0.13 base dea\n"},
		{node.ALS13, "node list --json", "", 0, `{"10.0.0.10":["base","controller","primary","router"],` +
			`"10.0.0.11":["base","filesystem","memcached","mysql","postgresql","rabbit","redis"],"10.0.0.12":["base","dea"],"10.0.0.13":["base","dea"]}` + "\n"},
		{node.ALS13, "status", "", 0, "Node 10.0.0.10\n  base                RUNNING\n  controller          RUNNING\n…"},
		{node.ALS13, "status --json", "", 0, `…"10.0.0.12":{"base":"RUNNING","dea":"RUNNING"}…`},
		{node.ALS13, "status --all", "", 0, "…\n  harbor              not configured\n…"},
		{node.ALS13, "info --node 10.0.0.12", "", 0, "assigned roles:\n  base\n  dea\navailable roles:\n  mdns\n…"},
		{node.ALS13, "info --json", "", 0, `…"maintenance_mode":false,"mbusip":"10.0.0.10","micro_cloud":false…`},
		{node.ALS13, "process list -n 10.0.0.12", "", 0, "systail                        RUNNING\n…"},
		{node.ALS13, "process list --cluster --json", "", 0, `…"router2g":"RUNNING"…`},
		{node.ALS13, "process ready all", "", 0, "READY\n"},
		{node.ALS13, "process ready nonsense", "", 1, "NOT READY: nonsense\n"},
		{node.ALS13, "role info router", "", 0, "router:\n  router2g\n"},
		{node.ALS13, "role add mongodb", "", 0, "-----> Adding roles\nadding role \"mongodb\"...                   ok\n" +
			"-----> Starting roles\nrole mongodb starting...                   ok\n"},
		{node.ALS13, "role remove base", "", 1, "Role 'base' cannot be removed.\n"},
		{node.ALS13, "role remove router", "", 0, "-----> Stopping roles\nrole router stopping...                    ok\n" +
			"-----> Removing roles\nremoving role \"router\"...                  ok\n"},
		{node.ALS13, "restart router", "", 0, "-----> Stopping roles\nrole router stopping...                    ok\n" +
			"-----> Starting roles\nrole router starting...                    ok\n"},
		{node.ALS13, "restart --all", "", 1, "Usage:\n  kato restart…"},
		{node.ALS10, "restart --all", "", 0, "…role primary starting...                   ok\n…"},
		{node.ALS13, "stop dea", "", 1, "Role 'dea' is not assigned to node 10.0.0.10.\n"},
		{node.ALS13, "stop nonsense", "", 1, "Role 'nonsense' not found.\n"},
		{node.ALS13, "stop --node 10.0.0.12 dea", "", 0, "-----> Stopping roles\n10.0.0.12: role dea stopping...            ok\n"},
		{node.ALS13, "start --node 10.0.0.11 data-services", "", 0, "…role redis starting...          ok\n…"},
		{node.ALS13, "config get cloud_controller_ng maintenance_mode", "", 0, "false\n"},
		{node.ALS13, "config get cloud_controller_ng nonsense", "", 1, "Key 'nonsense' not found in component 'cloud_controller_ng'.\n"},
		{node.ALS13, "config get fence docker/image", "", 0, "stackato/app-holophonor:3.0.0\n"},
		{node.ALS13, "config get mysql_node port_range", "", 0, "max: 25000\nmin: 15001\n"},
		{node.ALS13, "config get logyard drainformats", "", 0, "systail-syslog: ! '<13>{{.Time}} {{.NodeID}}: {{.Text}}'\n"},
		{node.ALS13, "config get --flat mysql_node", "", 0, "mysql_node/port_range/max 25000\nmysql_node/port_range/min 15001\n"},
		{node.ALS13, "config get --json node 10.0.0.12", "", 0, `{"roles":{"base":"START","dea":"START"}}` + "\n"},
		{node.ALS13, "config set cloud_controller_ng maintenance_mode perhaps", "", 1, "Type mismatch…"},
		{node.ALS13, "config push cloud_controller_ng admins new@example.com", "", 0, "- admin@example.com\n- new@example.com\n"},
		{node.ALS13, "config pop cloud_controller_ng admins admin@example.com", "", 0, "[]\n"},
		{node.ALS13, "history", "", 0, "…10.0.0.10  kato start (succeeded)\n"},
		{node.ALS13, "inspect", "", 0, "…7 tests run, 0 failed\n"},
		{node.ALS13, "inspect group network", "", 0, "network/hostname                            ok\nnetwork/mbus                                ok\n2 tests run, 0 failed\n"},
		{node.ALS13, "log drain status", "", 0, "…\x1b[31minvalid port 3424252\x1b[0m\n"},
		{node.ALS13, "node availabilityzone", "", 0, "Availability zone on node 10.0.0.10 is 'default'.\n"},
		{node.ALS13, "data repair routes --no-prompt", "", 0, "No bad routes found.\n"},
		{node.ALS10, "data repair routes", "", 0, "…not a kato command…"},
		{node.ALS13, "shell", "", 1, "stdin: is not a tty\n"},
		{node.ALS13, "frobnicate", "", 1, "kato: 'frobnicate' is not a kato command. See 'kato --help'.\n"},
		{node.ALS13, "--help", "", 0, "Usage:\n  kato <command> [options] [args]\n…"},
		{node.ALS13, "relocate services /nowhere", "", 1, "Permission denied - /nowhere\n"},
		{node.ALS13, "node upgrade", "", 1, "Are you sure you want to upgrade this cluster? [y/N] \nAborted.\n"},
		{node.ALS11, "node upgrade", "n\n", 1, "Are you sure you want to upgrade this node? [y/N] \nAborted.\n"},
		{node.ALS13, "node upgrade --rollback", "", 1, "Usage:…"},
		{node.ALS13, "node upgrade --status", "", 0, "No upgrade in progress.\n"},
	} {
		t.Run(test.profile+" "+test.args, func(t *testing.T) {
			c := start(t, node.Options{Profile: test.profile})
			out, status := exec(t, dial(t, c, c.Core), "sh -lc 'exec kato "+test.args+"'", test.stdin)
			if status != test.status {
				t.Errorf("status %d", status)
			}
			from, tail := strings.CutPrefix(test.want, "…")
			part, head := strings.CutSuffix(from, "…")
			switch {
			case !tail && !head:
				want(t, out, test.want)
			case tail && !head && !strings.HasSuffix(out, part), head && !tail && !strings.HasPrefix(out, part), !strings.Contains(out, part):
				t.Errorf("printed:\n%s\nwant: %s", out, test.want)
			}
		})
	}
}

func TestConfigIsRemembered(t *testing.T) {
	c := start(t, node.Options{})
	if out, status := kato(t, c, "config set cloud_controller_ng maintenance_mode true"); out != "" || status != 0 {
		t.Errorf("status %d, printed %q", status, out)
	}
	if out, _ := katoOn(t, c, "10.0.0.12", "config get cloud_controller_ng maintenance_mode"); out != "true\n" {
		t.Errorf("another node reads %q", out)
	}
	if out, _ := kato(t, c, "info --json"); !strings.Contains(out, `"maintenance_mode":true`) {
		t.Errorf("info says %s", out)
	}
	exec(t, dial(t, c, c.Core), "echo lorem | sh -lc 'kato config set cluster license'", "")
	if out, _ := kato(t, c, "config get cluster license"); out != "lorem\n" {
		t.Errorf("the value from standard input is %q", out)
	}
	kato(t, c, "config del cluster license")
	if _, status := kato(t, c, "config get cluster license"); status != 1 {
		t.Error("a deleted key is still there")
	}
}

func TestHistoryAndLog(t *testing.T) {
	c := start(t, node.Options{})
	kato(t, c, "restart router")
	kato(t, c, "patch install nonsense")
	kato(t, c, "status")
	var events []node.Event
	out, _ := kato(t, c, "history --json")
	must(t, json.Unmarshal([]byte(out), &events))
	if n := len(events); n != 3 || events[1].Command != "kato restart router" || events[1].Status != "succeeded" || events[2].Status != "failed" {
		t.Errorf("the history is %+v", events)
	}
	log, err := os.ReadFile(c.Path(c.Core, "/s/logs/kato.log"))
	must(t, err)
	if !strings.Contains(string(log), `INVOKE-ADMIN-ACTION {"command": "kato restart router","status": "succeeded"}`+"\n") {
		t.Errorf("kato.log:\n%s", log)
	}
}

func TestUpgrade(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Fault("upgrade", "10.0.0.11"))
	out, status := kato(t, c, "node upgrade --skip-confirmation --version 1.4")
	if status != 1 || !strings.Contains(out, "-----> 10.0.0.12: retire\n") || !strings.Contains(out, "Upgrade halted at 10.0.0.11.") {
		t.Errorf("status %d:\n%s", status, out)
	}
	out, _ = kato(t, c, "node upgrade --status")
	want(t, out, "10.0.0.10  pending\n10.0.0.11  failed\n10.0.0.12  complete  1.3 -> 1.4\n10.0.0.13  complete  1.3 -> 1.4\n")
	must(t, c.Fault("upgrade", ""))
	if out, status = kato(t, c, "node upgrade --resume --skip-confirmation --version 1.4"); status != 0 {
		t.Errorf("resume: status %d:\n%s", status, out)
	}
	for ip, m := range state(t, c).Nodes {
		if m.Version != "Application Lifecycle Service 1.4" || m.Roles["base"].Restarts != 1 {
			t.Errorf("%s: %s, base restarted %d times", ip, m.Version, m.Roles["base"].Restarts)
		}
	}
	log, err := os.ReadFile(c.Path(c.Core, "/s/logs/sentinel-cli.log"))
	must(t, err)
	if !strings.HasPrefix(string(log), "INFO  Sentinel::CLI : Running with command: bin/sentinel upgrade 1.4 10.0.0.12 10.0.0.13 10.0.0.11 10.0.0.10") {
		t.Errorf("sentinel-cli.log: %s", log)
	}

	c = start(t, node.Options{Profile: node.ALS10})
	kato(t, c, "node upgrade --skip-confirmation")
	if s := state(t, c); s.Nodes[c.Core].Version != "3.0.2" || s.Nodes["10.0.0.12"].Version != "3.0.1" {
		t.Error("a plain upgrade in ALS 1.0 is of this node")
	}
	kato(t, c, "node upgrade --rollback")
	if v := state(t, c).Nodes[c.Core].Version; v != "3.0.1" {
		t.Errorf("rolled back to %s", v)
	}
	must(t, c.Update(func(s *node.State) { s.Nodes["10.0.0.13"].DiskFree = 1 << 30 }))
	if out, _ := kato(t, c, "node upgrade --cluster --skip-confirmation"); !strings.Contains(out, "Not enough free disk space on 10.0.0.13: 1024 MB") {
		t.Errorf("a full disk:\n%s", out)
	}
}

func TestRelocate(t *testing.T) {
	c := start(t, node.Options{})
	must(t, os.WriteFile(filepath.Join(c.Path(files, "/var/helion/services"), "data"), []byte("x"), 0o600))
	to := c.Path(files, "/mnt/nas")
	out, status := katoOn(t, c, files, "relocate services "+to)
	if status != 0 || !strings.Contains(out, "WARNING: "+to+" is not mounted with quota support") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if b, err := os.ReadFile(filepath.Join(to, "data")); err != nil || string(b) != "x" {
		t.Errorf("the data did not move: %v", err)
	}
	if target, err := os.Readlink(c.Path(files, "/var/helion/services")); err != nil || target != to {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	if r := state(t, c).Nodes[files].Roles["mysql"]; r.State != "STOPPED" {
		t.Errorf("mysql is %s", r.State)
	}
	must(t, c.Fault("relocate", "yes"))
	if out, status := katoOn(t, c, files, "relocate droplets "+to); status != 1 || !strings.Contains(out, "Device or resource busy") {
		t.Errorf("busy: status %d:\n%s", status, out)
	}
}

func TestReport(t *testing.T) {
	c := start(t, node.Options{})
	out, _ := kato(t, c, "report")
	file := c.Path(c.Core, "/tmp/stackato-report.tgz")
	if !strings.HasSuffix(out, "Report written to "+file+"\n") {
		t.Errorf("printed:\n%s", out)
	}
	if names, err := members(file); err != nil || len(names) != 3 {
		t.Errorf("holds %v, %v", names, err)
	}
}
