package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// The summary of a look is what it found, and Concern tells whether all is
// well. The table has both answers of every look that can find something.
func TestLooksTellWhetherAllIsWell(t *testing.T) {
	t.Parallel()
	away := strings.NewReplacer("10.0.0.13\n  base RUNNING\n  dea RUNNING", "10.0.0.13\n  base UNREACHABLE\n  dea UNREACHABLE").Replace(running)
	optional := "1 update available to be installed.\n\nKnown updates:\n  x: Y.\n    severity: optional\n    roles affected: dea\n"
	safe := testCluster()
	backup := als.Archive{Run: "k3v9t2", Operation: "export cluster", Cluster: "prod", Node: als.Core, Path: "/mnt/b.tgz", Size: 9, SHA256: strings.Repeat("a", 64), Verdict: "verified", At: safe.Asked}
	safe.History.Archives, safe.History.Backup = []als.Archive{backup}, &backup
	strange := testCluster()
	strange.Generation = ""
	const quotas = "real=/mnt/c\nstate=writable\ndevice=/dev/xvdg\nfree=1\nmount=/mnt/c\ntype=ext4\noptions=rw,usrjquota=aquota.user,grpjquota=aquota.group\nquotas=on\nblock=yes\nboot=/etc/init.d/setup_helion_lxc\n"
	const quota = "quota status /mnt/c --node 10.0.0.12"
	for _, tt := range []struct {
		text    string
		c       als.Cluster
		s       said
		concern bool
		summary string
	}{
		{"status", testCluster(), said{"roles": out(running)}, false, "All 13 roles on 4 nodes run."},
		{"status", testCluster(), said{"roles": out(away)}, true, "1 of 4 nodes cannot be reached (10.0.0.13), 11 of 13 roles run."},
		{"status", testCluster(), said{"roles": out(strings.Replace(away, "router RUNNING", "router FATAL", 1))}, true, "1 of 4 nodes cannot be reached (10.0.0.13), 10 of 13 roles run: router on 10.0.0.10 is FATAL."},
		{"status", testCluster(), said{"roles": out(running + "Node 10.0.0.14\n  base RUNNING\n")}, true, "All 14 roles on 5 nodes run. In the status and not in kato's list of nodes: 10.0.0.14."},
		{"nodes", testCluster(), said{}, false, "4 nodes."},
		{"nodes", testCluster(), said{"nodes": out("10.0.0.11 base mysql\n")}, true, "1 node, and 0 of them with the role primary: one has it, as a rule."},
		{"version", testCluster(), said{"version": out("3.4.2")}, false, "kato 3.4.2, which behaves as als11."},
		{"version", strange, said{"version": out("4.0")}, true, "kato 4.0, a version that alsbot does not know."},
		{"processes", testCluster(), said{"nodes": out("10.0.0.10 base\n"), "kato:processes": out("10.0.0.10\nrouter2g   RUNNING\n")}, false, "All 1 process run."},
		{"processes --node 10.0.0.10", testCluster(), said{"kato:processes": out("10.0.0.10\nrouter2g   RUNNING\n")}, false, "All 1 process run."},
		{"processes", testCluster(), said{"nodes": out("10.0.0.10 base\n"), "kato:processes": out("10.0.0.10\nrouter2g   FATAL\n")}, true, "1 of 1 process do not run: router2g on 10.0.0.10 is FATAL."},
		{"patch status", testCluster(), said{"patches": out(noPatches)}, false, "No patches are waiting."},
		{"patch status", testCluster(), said{"patches": out(optional)}, false, "1 patch can be installed."},
		{"patch status", testCluster(), said{"patches": out(strings.Replace(optional, "optional", "required", 1))}, true, "1 patch can be installed."},
		{"patch status", testCluster(), said{"patches": out(strings.Replace(optional, "1 update", "80 updates", 1))}, true, "1 patch can be installed. But kato counts 80 updates and lists 1."},
		{"maintenance status", testCluster(), said{"maintenance": out("false")}, false, "Maintenance mode is off."},
		{"maintenance status", testCluster(), said{"maintenance": out("true")}, true, "Maintenance mode is on."},
		{"upgrade status", testCluster(), said{"upgrade-progress": out("No upgrade in progress.")}, false, "No upgrade is in progress."},
		{"upgrade status", testCluster(), said{"upgrade-progress": out("10.0.0.12 complete 3.4.1 -> 3.4.2"), "nodes": out("10.0.0.12 base\n")}, false, "The upgrade of 1 node is complete, kato says."},
		{"upgrade status", testCluster(), said{"upgrade-progress": out("10.0.0.12 complete 3.4.1 -> 3.4.2")}, true, "The upgrade of 1 node is complete, kato says. kato tells nothing of 3 nodes more: 10.0.0.10, 10.0.0.11, 10.0.0.13."},
		{"upgrade status", testCluster(), said{"upgrade-progress": out("10.0.0.12 pending")}, true, "1 of 1 node to go."},
		{"inspect", testCluster(), said{"kato:inspect": out("roles/processes   ok\n1 tests run, 0 failed")}, false, "All 1 tests passed."},
		{"inspect", testCluster(), said{"kato:inspect": failed(1, "roles/processes   FAILED\n    role dea is STOPPED\n1 tests run, 1 failed\n")}, true, "1 of 1 tests failed: roles/processes."},
		{"monitor status", testCluster(), said{"agents": out("agents= nrpe\n")}, false, "0 of 4 nodes have no monitoring agent."},
		{"monitor status", testCluster(), said{"agents": out("agents=\n")}, true, "4 of 4 nodes have no monitoring agent."},
		{quota, testCluster(), said{"quota": out(quotas)}, false, "Quotas are on for /mnt/c, and stay on after a reboot."},
		{quota, testCluster(), said{"quota": out(strings.Replace(quotas, "quotas=on", "quotas=off", 1))}, true, "Quotas of /mnt/c are not whole:"},
		{"backups", testCluster(), said{}, true, "No archive of @prod is known yet."},
		{"backups", safe, said{"archives": out("dir=/mnt\nf0=9\n")}, false, "1 archive of @prod."},
		{"backups", safe, said{"archives": out("dir=/mnt\nf0=missing\n")}, true, "1 archive of @prod."},
		{"backups", safe, said{"archives": failed(1, "")}, true, "1 archive of @prod."},
	} {
		_, v := tell(t, tt.c, tt.text, tt.s)
		if v.Outcome != als.Succeeded || v.Concern != tt.concern || !strings.HasPrefix(v.Summary, tt.summary) {
			t.Errorf("%s: %s, concern %t: %s\n%s", tt.text, v.Outcome, v.Concern, v.Summary, v.Report)
		}
	}
}
