package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// said answers steps by their key, for operations whose steps are scripts.
type said map[string]als.Result

func (s said) of(t *testing.T, step als.Step) als.Result {
	t.Helper()
	r, ok := s[step.Key]
	if on, found := s[step.Key+"@"+step.Node]; found {
		r, ok = on, true
	}
	switch {
	case ok:
	case step.Key == "clock":
		r, ok = out("2026-11-23T03:30:00Z"), true
	case step.Key == "nodes":
		r, ok = out(nodeList), true
	}
	if !ok {
		t.Errorf("unexpected step %q on %s: %s", step.Key, step.Node, step.Line())
	}
	r.Key, r.Step, r.Node = step.Key, step.Name, step.Node
	return r
}

func (s said) with(other said) said {
	out := said{}
	for _, m := range []said{s, other} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func out(text string) als.Result {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return als.Result{Output: []byte(text)}
}

func failed(status int, text string) als.Result {
	return als.Result{Exit: status, Output: []byte(text)}
}

// tell is like drive, with answers by key. It returns the plan in words too.
func tell(t *testing.T, c als.Cluster, text string, s said) (string, als.Verdict) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	return tellWith(t, c, text, s, op.Judge)
}

// tellWith is tell with another judge.
func tellWith(t *testing.T, c als.Cluster, text string, s said, judge func(als.Request, als.Cluster, als.Plan, als.Results) als.Verdict) (string, als.Verdict) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	var rs als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, c)
		if err != nil {
			return err.Error(), als.Verdict{}
		}
		for _, step := range steps {
			rs = append(rs, s.of(t, step))
		}
	}
	plan, err := op.Plan(req, c, rs)
	if err != nil {
		return err.Error(), als.Verdict{}
	}
	var b strings.Builder
	for _, f := range plan.Findings {
		b.WriteString(string(f.Level) + ": " + f.Text + ". " + f.Fix.Text + "\n")
	}
	if plan.Nothing != "" {
		b.WriteString("nothing: " + plan.Nothing + "\n")
	}
	if _, stopped := plan.Stopped(); stopped || plan.Nothing != "" {
		if len(plan.Steps) > 0 {
			t.Errorf("%s: stopped or nothing to do, with steps", text)
		}
		return b.String(), als.Verdict{}
	}
	broken := false
	for _, step := range plan.Steps {
		b.WriteString(step.Node + "$ " + step.Line() + "\n")
		if broken && !step.Always {
			continue
		}
		r := s.of(t, step)
		rs = append(rs, r)
		broken = broken || !r.OK() && !step.Tolerate
	}
	for _, f := range plan.Facts {
		b.WriteString(f.Name + "=" + f.Value + "\n")
	}
	b.WriteString(strings.Join(plan.Notes, "\n"))
	for _, step := range plan.Verify {
		rs = append(rs, s.of(t, step))
	}
	return b.String(), judge(req, c, plan, rs)
}

// telling is a case for tell: a command, the answers, and the expected plan,
// outcome and summary.
type telling struct {
	name, text string
	c          als.Cluster
	s          said
	plan       string // in the plan's words
	outcome    als.Outcome
	summary    string
}

func tellAll(t *testing.T, cases []telling) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			plan, v := tell(t, tt.c, tt.text, tt.s)
			if !strings.Contains(plan, tt.plan) || v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) {
				t.Errorf("plan:\n%s\n%s: %s\nnext: %s\n%s", plan, v.Outcome, v.Summary, v.Next.Text, v.Report)
			}
			if v.Outcome == als.Failed && v.Next.Text == "" {
				t.Error("it failed, and nothing says what to do")
			}
		})
	}
}

func TestImport(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	archive := "size=1000\nfiles=12\ntar=0\nholds=mysql mongodb \nsha256=" + sum + "\nunpacked=40000\nstate=read\n"
	good := said{"room": out("free=50000\nmemory=1\n"), "old-data": out("30\t/var/helion/services/\n10\t/var/helion/droplets/\n"), "jobs": out(idle), "archive": out(archive), "roles": out(running), "admins": out("- a@example.com\n"),
		"maintenance": out("false\n"), "ssh": out("bad=\n"),
		"sudo": out(""), "history": out(started), "history-after": out(imported("succeeded")),
		"import": out("10.0.0.11: importing mysql...    ok\nredeploying web...   ok\nImport complete.\n"), "roles-after": out(running),
		"old-core": out("ssh=ok\nsudo=ok\n"), "old-version": out("3.4.2\n"), "old-nodes": out("10.1.0.1 base primary mysql\n"),
		"old-roles": out("Node 10.1.0.1\n  base RUNNING\n  primary RUNNING\n  mysql RUNNING\n")}
	core := func(reach string) said { return good.with(said{"old-core": out(reach)}) }
	two := said{"old-nodes": out("10.1.0.1 base primary\n10.1.0.2 base mysql\n")}
	known := func(operation, contents, sum string) als.Cluster {
		c := testCluster()
		a := als.Archive{Run: "k3v9t2", Operation: operation, Contents: contents, Cluster: "prod", Node: als.Core, Path: "/mnt/nas/b.tgz", SHA256: sum, At: c.Asked.AddDate(0, 0, -1)}
		if operation == "export node" {
			a.Node = "10.0.0.11"
		}
		c.History.Archives, c.History.Backup = []als.Archive{a}, &a
		return c
	}
	free := func(n string) said {
		return good.with(said{"room": out("free=" + n + "\nmemory=1\n")})
	}
	tellAll(t, []telling{
		{"good", "import cluster /mnt/nas/b.tgz", testCluster(), good, "core$ kato data import --cluster /mnt/nas/b.tgz\n", als.Succeeded, "all roles run"},
		{"the archive is a fact", "import cluster /mnt/nas/b.tgz", testCluster(), good, "sha256=" + sum, als.Succeeded, ""},
		{"of another run", "import cluster /mnt/nas/b.tgz", known("export cluster", "", sum), good, "archive=of run k3v9t2, begun 2026-11-22 03:00 UTC\n", als.Succeeded, ""},
		{"of one node", "import cluster /mnt/nas/b.tgz", known("export node", "", sum), good, "warn: the archive is not of the whole cluster: it was made by export node of 10.0.0.11, and what it lacks is wiped all the same", als.Succeeded, ""},
		{"of less", "import cluster /mnt/nas/b.tgz", known("export cluster", "--exclude-mysql", sum), good, "it was made by export cluster --exclude-mysql, and what it lacks", als.Succeeded, ""},
		{"not what was left there", "import cluster /mnt/nas/b.tgz", known("export cluster", "", "cd"), good, "warn: /mnt/nas/b.tgz is not what run k3v9t2 left there", als.Succeeded, ""},
		{"a backup", "import cluster /mnt/nas/b.tgz", known("export cluster", "--exclude-mysql", sum), good, "services; its last verified backup is 24h 0m old (run k3v9t2, export cluster --exclude-mysql)", als.Succeeded, ""},
		{"it fits", "import cluster /mnt/nas/b.tgz", testCluster(), good, "has 1000 B and 12 files, unpacks to 39 KiB, and was read to its end.\n49 KiB of disk is free on the core.", als.Succeeded, ""},
		{"more than is free, unpacked", "import cluster /mnt/nas/b.tgz", testCluster(), free("30000"), "warn: the core has 29 KiB of free disk, and 39 KiB is needed: an import wipes first, and a full disk then breaks it off with half of the data. Make room on the core first.", als.Succeeded, ""},
		{"more than is free, on one node", "import node /mnt/nas/b.tgz --node 10.0.0.11", testCluster(), free("30000"), "warn: 10.0.0.11 has 29 KiB of free disk, and 39 KiB is needed", als.Succeeded, ""},
		{"free disk unseen", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"room": failed(1, "")}), "warn: the free disk of the core could not be read", als.Succeeded, ""},
		{"the old core fits", "import cluster old.example.com", testCluster(), good, "The old cluster holds 40 KiB of services and droplets.\n49 KiB of disk is free on the core.", als.Succeeded, ""},
		{"the old core holds more than is free", "import cluster old.example.com", testCluster(), free("30000"), "warn: the core has 29 KiB of free disk, and 40 KiB is needed: an import wipes first", als.Succeeded, ""},
		{"the old cluster has other nodes", "import cluster old.example.com", testCluster(), good.with(two), "The old core alone holds 40 KiB of services and droplets; what the old cluster's other nodes hold is not known.\n49 KiB", als.Succeeded, ""},
		{"not all can be read there", "import cluster old.example.com", testCluster(), good.with(said{"old-data": out("30\t/var/helion/services/\npartly\n")}), "The old core holds at least 30 KiB of services and droplets: not all of it can be read.", als.Succeeded, ""},
		{"sizes that overflow", "import cluster old.example.com", testCluster(), good.with(said{"old-data": out(strings.Repeat("1099511627775\t/var/helion/services/\n", 8193))}), "How much the old core holds is not known: it tells more sizes than were asked for.", als.Succeeded, ""},
		{"it cannot be measured there", "import cluster old.example.com", testCluster(), good.with(said{"old-data": failed(255, "")}), "How much the old core holds is not known: see there with `du`.\n49 KiB of disk is free", als.Succeeded, ""},
		{"a service without its role", "import cluster /mnt/nas/b.tgz", testCluster(), good, "warn: the archive seems to hold mongodb data, and no node here has that role", als.Succeeded, ""},
		{"from a core", "import cluster old.example.com", testCluster(), good, "core$ kato data import --cluster old.example.com\n", als.Succeeded, ""},
		{"its version", "import cluster old.example.com", testCluster(), good, "old core's version=3.4.2\n", als.Succeeded, ""},
		{"from a core that is away", "import cluster old.example.com", testCluster(), core("said=connect to host old.example.com port 22: Connection refused\nssh=away\n"), "stop: the old core old.example.com cannot be reached by SSH from the core: connect to host", "", ""},
		{"a strange host key", "import cluster old.example.com", testCluster(), core("said=Host key verification failed.\nssh=strange\n"), "stop: the host key of old.example.com is not known on the core", "", ""},
		{"another host key", "import cluster old.example.com", testCluster(), core("ssh=changed\n"), "stop: the host key of old.example.com is not the one that the core knows", "", ""},
		{"a password", "import cluster old.example.com", testCluster(), core("ssh=denied\n"), "stop: old.example.com asks the core for a password", "", ""},
		{"an unknown name", "import cluster old.example.com", testCluster(), core("ssh=unknown\n"), "stop: the name old.example.com is not known on the core", "", ""},
		{"no answer", "import cluster old.example.com", testCluster(), core(""), "stop: whether the core reaches the old core old.example.com could not be seen", "", ""},
		{"itself", "import cluster old.example.com", testCluster(), core("ssh=ok\nsame=yes\nsudo=ok\n"), "stop: old.example.com is the core itself", "", ""},
		{"sudo there asks", "import cluster old.example.com", testCluster(), core("ssh=ok\nsudo=asks\n"), "warn: sudo on old.example.com asks for a password", als.Succeeded, ""},
		{"a service there without its role", "import cluster old.example.com", testCluster(), good.with(said{"old-nodes": out("10.1.0.1 base rabbit\n")}), "warn: the old cluster seems to hold rabbit data", als.Succeeded, "Not imported, for want of a role: rabbit."},
		{"a role there is down", "import cluster old.example.com", testCluster(), good.with(said{"old-roles": out("Node 10.1.0.1\n  base RUNNING\n  primary RUNNING\n  mysql FATAL\n")}), "warn: on the old cluster mysql on 10.1.0.1 is FATAL", als.Succeeded, ""},
		{"kato there is unreadable", "import cluster old.example.com", testCluster(), good.with(said{"old-nodes": failed(127, "bash: kato: command not found\n")}), "warn: the old cluster's nodes cannot be listed: kato not found", als.Succeeded, ""},
		{"a time limit", "import cluster /mnt/nas/b.tgz --timeout 600", testCluster(), good, "core$ kato data import --cluster --timeout 600 /mnt/nas/b.tgz\n", als.Succeeded, ""},
		{"one node", "import node /mnt/nas/b.tgz --node 10.0.0.11 --mysql", testCluster(), good, "10.0.0.11$ kato data import --only-this-node --mysql /mnt/nas/b.tgz\n", als.Succeeded, ""},
		{"one node's roles", "import node /mnt/nas/b.tgz --node 10.0.0.12", testCluster(), good, "warn: the archive seems to hold mysql data", als.Succeeded, ""},
		{"sudo asks", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"sudo": failed(1, "")}), "warn: sudo on the core asks for a password", als.Succeeded, ""},
		{"SSH asks", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"ssh": out("bad=10.0.0.12\n")}), "warn: the core does not reach 10.0.0.12 by SSH without a password", als.Succeeded, ""},
		{"in maintenance mode", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"maintenance": out("true\n")}), "warn: maintenance mode is on: the controller refuses changes", als.Succeeded, ""},
		{"a lie", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"history-after": out(started)}), "", als.Failed, "It cannot be confirmed that anything was imported: kato's history has no such command since the run began"},
		{"the history says otherwise", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"history-after": out(imported("failed"))}), "", als.Failed, "kato's history says that it failed"},
		{"no history", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"history-after": failed(1, "Usage: kato\n")}), "", als.Unconfirmed, "Not confirmed: kato's history cannot be read, so only kato's own word and the roles speak for it. The import ended"},
		{"a part fails, with status 0", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": out("10.0.0.11: importing mysql...  failed\nredeploying web... failed\nThe following apps could not be redeployed:\n  web\n")}), "", als.Failed, "10.0.0.11: importing mysql failed."},
		{"missing", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"archive": out("state=missing\n")}), "stop: there is no /mnt/nas/b.tgz on the core", "", ""},
		{"damaged", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"archive": out("size=10\nunpacked=7\nstate=damaged\n")}), "stop: /mnt/nas/b.tgz on the core is damaged: it cannot be read to its end", "", ""},
		{"empty", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"archive": out(strings.Replace(archive, "files=12", "files=0", 1))}), "holds no file", "", ""},
		{"silent", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"archive": out("")}), "stop: /mnt/nas/b.tgz on the core could not be looked at", "", ""},
		{"a role is down", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"roles": out(strings.Replace(running, "dea RUNNING", "dea FATAL", 1))}), "stop: not all roles run, dea on 10.0.0.12 is FATAL: kato passes over what does not run", "", ""},
		{"no first user", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"admins": out("--- []\n")}), "stop: the first user is not set up", "", ""},
		{"fails", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": failed(1, "Import failed: no method\n")}), "", als.Failed, "did not go through"},
		{"fails without a word", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": failed(1, "10.0.0.11: importing mysql...    ok\nImport complete.\n")}), "", als.Failed, "did not go through: kato ended with status 1"},
		{"fails, with status 0", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": out("Import failed: no method\n")}), "", als.Failed, "did not go through"},
		{"a prompt", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": failed(1, `type "Proceed" and press ENTER: `)}), "", als.Failed, "asked a person"},
		{"apps lost", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"import": out("redeploying web...     failed\nThe following apps could not be redeployed:\n  web\n  shop\nImport complete.\n")}), "", als.Failed, "2 applications could not be deployed again: web, shop"},
		{"a role is down afterwards", "import cluster /mnt/nas/b.tgz", testCluster(), good.with(said{"roles-after": out(strings.Replace(running, "dea RUNNING", "dea FATAL", 1))}), "", als.Failed, "dea on 10.0.0.12 is FATAL"},
		{"unknown node", "import node /mnt/nas/b.tgz --node 10.9.9.9", testCluster(), good, "no node 10.9.9.9", "", ""},
	})
}

// started is kato's history before an operation, and imported after an import.
const started = `[{"time":"2026-11-23T03:00:00Z","node":"10.0.0.10","command":"kato start","status":"succeeded"}]`

func imported(status string) string {
	return strings.TrimSuffix(started, "]") + `,{"time":"2026-11-23T04:00:00Z","command":"kato data import","status":"` + status + `"}]`
}

func TestRelocate(t *testing.T) {
	place := "real=/mnt/ebs/services\nstate=writable\nentries=0\ndevice=/dev/xvdf\nfree=1000000\nmount=/mnt/ebs\ntype=ext4\noptions=rw,usrjquota=aquota.user,grpjquota=aquota.group\nquotas=on\n"
	full := strings.Replace(place, "entries=0", "entries=3", 1)
	const source = "place=1\nreal=/var/helion/services\ndevice=/dev/sda1\nentries=3\nbytes=500000\n"
	const moved = "place=1\nreal=/mnt/ebs/services\ndevice=/dev/xvdf\nentries=3\nbytes=499000\n"
	const nothing = "place=1\nreal=/mnt/ebs/services\ndevice=/dev/xvdf\nentries=0\nbytes=4096\n"
	empty := strings.NewReplacer("entries=3", "entries=0", "500000", "4096").Replace(source)
	good := said{"jobs": out(idle), "place": out(place), "roles": out(running), "node-stop": out(""), "relocate": out("moving /var/helion/services...             ok\n"),
		"node-start": out(""), "place-after": out(moved), "roles-after": out(running),
		"data": out(source), "data-before": out(source), "data-moved": out(moved), "data-after": out(moved)}
	sized := func(bytes string) said {
		return good.with(said{"data": out(strings.Replace(source, "500000", bytes, 1))})
	}
	lie := said{"data-moved": out(nothing), "place-after": out(nothing), "data-after": out(source)}
	tellAll(t, []telling{
		{"good", "relocate services /mnt/ebs/services", testCluster(), good, "10.0.0.11$ kato stop\n10.0.0.11$ alsbot-data /var/helion/services /var/stackato/services\n" +
			"10.0.0.11$ kato relocate services /mnt/ebs/services\n10.0.0.11$ alsbot-data /mnt/ebs/services\n10.0.0.11$ kato start\n", als.Succeeded, "Moved: the new place holds data, and the node's roles run."},
		{"too big", "relocate services /mnt/ebs/services", testCluster(), sized("1000001"), "stop: the services have 977 KiB, and /mnt/ebs/services has 977 KiB free", "", ""},
		{"tight", "relocate services /mnt/ebs/services", testCluster(), sized("950000"), "warn: it gets tight: the services have 928 KiB", als.Succeeded, ""},
		{"too big, within one filesystem", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data": out(strings.NewReplacer("500000", "5000000", "sda1", "xvdf").Replace(source))}), "10.0.0.11$ kato relocate", als.Succeeded, "Moved"},
		{"not all can be read", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data": out(source + "partly=yes\n"), "data-before": out(source + "partly=yes\n")}), "warn: not all of the services can be read: they have at least 488 KiB", als.Unconfirmed, "Unconfirmed that all of it has arrived"},
		{"no size", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data": out("place=none\n")}), "warn: where the services are, or how big they are, could not be seen", als.Succeeded, ""},
		{"read only", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place": out(strings.Replace(place, "writable", "readonly", 1))}), "stop: /mnt/ebs/services on 10.0.0.11 cannot be written to", "", ""},
		{"half of it", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-before": out(strings.Replace(source, "500000", "50000000", 1)), "data-moved": out(strings.Replace(moved, "499000", "25000000", 1))}), "", als.Failed, "Not all of it has arrived: 3 entries, 24 MiB of 3 entries, 48 MiB"},
		{"another filesystem takes less", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-before": out(strings.Replace(source, "500000", "50000000", 1)), "data-moved": out(strings.Replace(moved, "499000", "49000000", 1))}), "", als.Succeeded, "Moved"},
		{"an entry less", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-moved": out(strings.Replace(moved, "entries=3", "entries=2", 1))}), "", als.Failed, "Not all of it has arrived"},
		{"copied, not moved", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-after": out(source)}), "", als.Failed, "the old one does too and is no link to it"},
		{"the old place is gone", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-after": out("place=none\n")}), "", als.Unconfirmed, "Unconfirmed that the node uses it"},
		{"nothing to move", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-before": out(empty), "data-moved": out(nothing), "place-after": out(nothing), "data-after": out(nothing)}), "", als.Succeeded, "there was nothing in the old place, which leads to the new one now"},
		{"nothing to move, a lie", "relocate services /mnt/ebs/services", testCluster(), good.with(lie).with(said{"data-before": out(empty), "data-after": out(empty)}), "", als.Failed, "There was nothing in the old place to move, and it does not lead to the new one"},
		{"unseen afterwards", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-moved": failed(1, ""), "place-after": failed(1, "")}), "", als.Unconfirmed, "It cannot be confirmed that the data moved"},
		{"the start ends badly, and all roles run", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"node-start": failed(1, "boom\n")}), "", als.Succeeded, "Moved: the new place holds data, and the node's roles run."},
		{"afterwards only a failed look", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-moved": failed(1, moved), "place-after": failed(1, moved)}), "", als.Unconfirmed, "It cannot be confirmed that the data moved"},
		{"afterwards no size", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-moved": out("entries=3\n"), "place-after": out("entries=3\n")}), "", als.Unconfirmed, "It cannot be confirmed that the data moved"},
		{"a failed look at the old place", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-after": failed(1, moved)}), "", als.Unconfirmed, "Unconfirmed that the node uses it"},
		{"a failed look at the new place", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place-after": failed(1, moved), "data-after": out(strings.Replace(moved, "entries=3", "entries=0", 1))}), "", als.Unconfirmed, "Unconfirmed that the node uses it"},
		{"the old place is empty and no link", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-after": out(empty)}), "", als.Unconfirmed, "Unconfirmed that the node uses it: the old place is no link to it."},
		{"not all was measured before", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-before": out(strings.Replace(source, "500000", "50000000", 1) + "partly=yes\n")}), "", als.Unconfirmed, "not everything could be measured"},
		{"not all was measured afterwards", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"data-before": out(strings.Replace(source, "500000", "50000000", 1)), "data-moved": out(moved + "partly=yes\n")}), "", als.Unconfirmed, "not everything could be measured"},
		{"as big as what is free", "relocate services /mnt/ebs/services", testCluster(), sized("1000000"), "warn: it gets tight", als.Succeeded, ""},
		{"somebody else's job", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"jobs@10.0.0.11": out(exporting)}), "stop: `kato data export` runs on 10.0.0.11 already, as process 4712", "", ""},
		{"somebody else's job on the core", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"jobs@core": out(exporting)}), "stop: `kato data export` runs on the core already", "", ""},
		{"droplets", "relocate droplets /mnt/ebs/droplets", testCluster(), good, "core$ kato relocate droplets", als.Succeeded, ""},
		{"which DEA", "relocate containers /mnt/containers", testCluster(), good, "2 nodes hold containers. Say which with --node: 10.0.0.12, 10.0.0.13.", "", ""},
		{"not a DEA", "relocate containers /mnt/containers --node 10.0.0.11", testCluster(), good, "node 10.0.0.11 holds no containers", "", ""},
		{"block volume", "relocate containers /mnt/containers --node 10.0.0.12", testCluster(), good, "warn: containers do not belong on a network block volume", als.Succeeded, ""},
		{"NFS", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place": out(strings.Replace(place, "ext4", "nfs4", 1))}), "warn: /mnt/ebs/services is on NFS", als.Succeeded, ""},
		{"no quotas", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place": out(strings.Replace(place, "quotas=on", "quotas=off", 1))}), "warn: quotas are not on", als.Succeeded, ""},
		{"not empty", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place": out(full)}), "stop: /mnt/ebs/services on 10.0.0.11 is not empty", "", ""},
		{"missing", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"place": out("state=missing\n")}), "stop: there is no directory", "", ""},
		{"the system's", "relocate services /usr/share", testCluster(), good, "belongs to the node's own system", "", ""},
		{"fails", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"relocate": failed(1, "Device or resource busy - /var/helion/services\n"), "place-after": out(nothing), "data-after": out(source)}), "", als.Failed, "Device or resource busy - /var/helion/services. All roles run again."},
		{"a lie", "relocate services /mnt/ebs/services", testCluster(), good.with(lie), "", als.Failed, "Nothing has arrived"},
		{"not up again", "relocate services /mnt/ebs/services", testCluster(), good.with(said{"roles-after": out(strings.Replace(running, "mysql RUNNING", "mysql STARTING", 1))}), "", als.Waiting, "mysql on 10.0.0.11 is STARTING"},
	})
}

func TestQuota(t *testing.T) {
	off := "real=/mnt/containers\nstate=writable\nentries=1\ndevice=/dev/xvdg\nfree=1\nmount=/mnt/containers\ntype=ext4\noptions=rw\nquotas=off\nboot=/etc/init.d/setup_helion_lxc\n"
	on := strings.NewReplacer("quotas=off", "quotas=on\nblock=yes", "options=rw", "options=rw,usrjquota=aquota.user,grpjquota=aquota.group").Replace(off)
	good := said{"quota": out(off), "sudo": out(""), "quota-enable": out("done=boot-script\n"), "boot-script-copy": out(""), "quota-after": out(on)}
	tellAll(t, []telling{
		{"enable", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good, "10.0.0.12$ alsbot-quota /mnt/containers /etc/init.d/setup_helion_lxc /etc/init.d/setup_helion_lxc.before-k3v9t2\n", als.Succeeded, "Quotas are on"},
		{"half done", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota-enable": failed(1, "why=checking the quotas of /mnt/containers\n"), "quota-after": out(off)}), "", als.Failed, "It stopped at: checking the quotas of /mnt/containers"},
		{"a lie", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota-after": out(off)}), "", als.Failed, "they are not turned on"},
		{"on already", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(on)}), "nothing: quotas of /mnt/containers are on", "", ""},
		{"sudo asks", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"sudo": failed(1, "sudo: a password is required")}), "stop: sudo on 10.0.0.12 asks for a password", "", ""},
		{"xfs", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(strings.Replace(off, "ext4", "xfs", 1))}), "stop: /mnt/containers is a xfs filesystem", "", ""},
		{"not a mount", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(strings.Replace(off, "mount=/mnt/containers", "mount=/", 1))}), "stop: /mnt/containers has no filesystem of its own", "", ""},
		{"no boot script", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(strings.Replace(off, "boot=/etc/init.d/setup_helion_lxc\n", "", 1))}), "warn: there is no boot script", als.Succeeded, ""},
		{"asks", "quota enable /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota-enable": failed(143, "force (yes/no)? "), "quota-after": out(off)}), "", als.Failed, "It asked a person and got no answer"},
		{"partly", "quota status /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(strings.Replace(on, "quotas=on", "quotas=partly", 1))}), "", als.Succeeded, "only those of users or those of groups"},
		{"which node", "quota enable /mnt/containers", testCluster(), good, "Say which with --node", "", ""},
		{"status", "quota status /mnt/containers --node 10.0.0.12", testCluster(), good, "", als.Succeeded, "it is mounted without user quotas"},
		{"status, on", "quota status /mnt/containers --node 10.0.0.12", testCluster(), good.with(said{"quota": out(on)}), "", als.Succeeded, "stay on after a reboot"},
	})
}

func TestUpgrade(t *testing.T) {
	good := said{"jobs": out(idle), "roles": out(running), "maintenance": out("false"), "ssh": out("bad=\n"),
		"room": out("free=20000000000\nmemory=4000000000\n"), "sudo": out(""),
		"maintenance-on": out(""), "maintenance-during": out("true"), "maintenance-off": out(""), "upgrade": out("Upgrade complete.\n"),
		"roles-after": out(running), "upgrade-progress-after": out("No upgrade in progress.\n"), "maintenance-after": out("false")}
	for _, ip := range []string{"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		good["version:"+ip] = out("3.4.1")
		good["version-after:"+ip] = out("3.4.2")
	}
	c10 := testCluster()
	c10.Generation, c10.Version = als.ALS10, "3.0"
	c11 := testCluster()
	c11.Version = "1.1.0.19"
	same := good
	for _, ip := range []string{"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		same = same.with(said{"version-after:" + ip: out("3.4.1")})
	}
	back, alsNumbers := good, good
	for _, ip := range []string{"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13"} {
		back = back.with(said{"version-after:" + ip: out("3.4.0")})
		alsNumbers = alsNumbers.with(said{"version-after:" + ip: out("1.0")})
	}
	busy := testCluster()
	busy.Busy = "k3v9t1"
	alone := als.Cluster{Name: "x", Generation: als.ALS13, Version: "1.3", Nodes: []als.Node{{IP: als.Core}}}
	tellAll(t, []telling{
		{"cluster", "upgrade cluster", testCluster(), good, "core$ kato node upgrade --cluster --skip-confirmation\n", als.Succeeded, "4 nodes at 3.4.2, read back from every one, and all roles run."},
		{"order", "upgrade cluster", testCluster(), good, "nodes, in this order=10.0.0.12 3.4.1, 10.0.0.13 3.4.1, 10.0.0.11 3.4.1, 10.0.0.10 3.4.1", als.Succeeded, ""},
		{"node", "upgrade node --node 10.0.0.12 --version 3.4.2", testCluster(), good, "core$ kato node upgrade --node 10.0.0.12 --version 3.4.2 --skip-confirmation\n", als.Succeeded, "1 node at 3.4.2"},
		{"the core by itself", "upgrade node", testCluster(), good, "core$ kato node upgrade --node 10.0.0.10 --skip-confirmation\n", als.Succeeded, ""},
		{"rollback, als11", "upgrade cluster --rollback", testCluster(), good, "kato 3.4.2 (als11) has no --rollback", "", ""},
		{"rollback, als10", "upgrade cluster --rollback", c10, back, "core$ kato node upgrade --cluster --rollback --skip-confirmation\n", als.Succeeded, "4 nodes at 3.4.0"},
		{"rollback, and it went on", "upgrade cluster --rollback", c10, good, "", als.Failed, "The version of 10.0.0.12, 10.0.0.13, 10.0.0.10, 10.0.0.11 has gone the wrong way, to 3.4.2"},
		{"an older version", "upgrade cluster", testCluster(), back, "", als.Failed, "The version of 10.0.0.12, 10.0.0.13, 10.0.0.11, 10.0.0.10 has gone the wrong way, to 3.4.0"},
		{"one went back to the others", "upgrade cluster", testCluster(), same.with(said{"version:10.0.0.12": out("3.4.2")}), "", als.Failed, "The version of 10.0.0.12 has gone the wrong way"},
		{"other numbers than before", "upgrade cluster --version 3.4.2", testCluster(), alsNumbers, "", als.Unconfirmed, "Not confirmed: 1.0 is ALS's own number, and nothing tells whether that is 3.4.2."},
		{"a lie", "upgrade cluster", testCluster(), good.with(said{"version-after:10.0.0.11": out("3.4.1")}), "", als.Failed, "Still on the old version: 10.0.0.11; kato ended with status 0"},
		{"nothing to resume", "upgrade cluster --resume", testCluster(), good.with(said{"upgrade-progress": out("No upgrade is in progress.\n")}), "stop: no upgrade is in progress, so there is none to resume", "", ""},
		{"different versions", "upgrade cluster", testCluster(), good.with(said{"version-after:10.0.0.11": out("3.4.3")}), "", als.Failed, "different versions: 3.4.2, 3.4.3"},
		{"a node is away", "upgrade cluster", testCluster(), good.with(said{"version-after:10.0.0.11": {Trouble: "connection refused"}}), "", als.Waiting, "The version of 10.0.0.11 cannot be read"},
		{"a node is away, and ps was not found", "upgrade cluster", testCluster(), good.with(said{"jobs": failed(127, "sh: ps: not found\n"), "version-after:10.0.0.11": {Trouble: "connection refused"}}), "", als.Waiting, "The version of 10.0.0.11 cannot be read"},
		{"kato is gone on a node", "upgrade cluster", testCluster(), good.with(said{"version-after:10.0.0.11": failed(127, "bash: kato: command not found\n")}), "", als.Failed, "kato is gone: the upgrade broke off in the middle. The version of 10.0.0.11 cannot be read."},
		{"kato was gone in the upgrade, and is back", "upgrade cluster", testCluster(), good.with(said{"upgrade": failed(127, "bash: kato: command not found\n")}), "", als.Succeeded, "4 nodes at 3.4.2, read back from every one, and all roles run. Yet kato was not found"},
		{"kato is gone in the upgrade", "upgrade cluster", testCluster(), good.with(said{"upgrade": failed(127, "bash: kato: command not found\n"), "version-after:10.0.0.11": {Trouble: "connection refused"}}), "", als.Failed, "kato is gone"},
		{"nothing newer, and the versions differ", "upgrade cluster", testCluster(), same.with(said{"version:10.0.0.11": out("3.4.0"), "version-after:10.0.0.11": out("3.4.0"), "upgrade": out("Nothing to upgrade.\n")}), "", als.Failed, "Still on the old version: 10.0.0.12, 10.0.0.13, 10.0.0.11, 10.0.0.10; kato ended"},
		{"upgraded, and up to date now", "upgrade cluster", testCluster(), good.with(said{"upgrade": out("The cluster is up to date.\n")}), "", als.Succeeded, "4 nodes at 3.4.2, read back from every one"},
		{"upgraded, and kato ended badly", "upgrade cluster", testCluster(), good.with(said{"upgrade": failed(1, "boom\n")}), "", als.Succeeded, "and all roles run. Yet kato ended with status 1"},
		{"maintenance mode unseen", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("what")}), "", als.Unconfirmed, "But it cannot be seen whether maintenance mode is off again"},
		{"not confirmed, and maintenance mode left on", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("true"), "roles-after": out(running + "Node 10.0.0.14\n  base RUNNING\n")}), "", als.Failed, "But maintenance mode is still on"},
		{"not confirmed, and maintenance mode unseen", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("what"), "roles-after": out(running + "Node 10.0.0.14\n  base RUNNING\n")}), "", als.Unconfirmed, "But it cannot be seen whether"},
		{"waiting, and maintenance mode left on", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("true"), "version-after:10.0.0.11": {Trouble: "connection refused"}}), "", als.Waiting, "But maintenance mode is still on"},
		{"failed, and maintenance mode unseen", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("what"), "version-after:10.0.0.11": out("3.4.1")}), "", als.Failed, "But it cannot be seen whether"},
		{"a node had the new version before", "upgrade cluster", testCluster(), good.with(said{"version:10.0.0.11": out("3.4.2")}), "", als.Succeeded, "4 nodes at 3.4.2"},
		{"a node that nobody listed", "upgrade cluster", testCluster(), good.with(said{"roles-after": out(running + "Node 10.0.0.14\n  base RUNNING\n")}), "", als.Unconfirmed, "Not confirmed: nothing is known of the version of 10.0.0.14"},
		{"it matters to no single node", "upgrade node --node 10.0.0.12", testCluster(), good.with(said{"roles-after": out(running + "Node 10.0.0.14\n  base RUNNING\n")}), "", als.Succeeded, "1 node at 3.4.2"},
		{"another version", "upgrade cluster --version 3.4.5", testCluster(), good, "", als.Failed, "The nodes are at 3.4.2, and not at 3.4.5"},
		{"the numbers of ALS", "upgrade cluster --version 1.3", testCluster(), good, "", als.Succeeded, "4 nodes at 3.4.2"},
		{"interrupted", "upgrade cluster", testCluster(), good.with(said{"upgrade": failed(1, "Connection timed out\n"), "version-after:10.0.0.10": out("3.4.1")}), "", als.Failed, "Still on the old version: 10.0.0.10"},
		{"maintenance mode left on", "upgrade cluster", testCluster(), good.with(said{"maintenance-after": out("true")}), "", als.Failed, "But maintenance mode is still on"},
		{"no room", "upgrade cluster", testCluster(), good.with(said{"room@10.0.0.12": out("free=1000\nmemory=4000000000\n")}), "stop: 10.0.0.12 has 1000 B of free disk, and 4.0 GiB is needed", "", ""},
		{"little memory", "upgrade cluster", testCluster(), good.with(said{"room@core": out("free=20000000000\nmemory=600000000\n")}), "warn: the core has 572 MiB of free memory, and 1.0 GiB is needed", als.Succeeded, ""},
		{"no SSH", "upgrade cluster", testCluster(), good.with(said{"ssh": out("bad= 10.0.0.13\n")}), "stop: the core does not reach 10.0.0.13 by SSH without a password", "", ""},
		{"no sudo", "upgrade cluster", testCluster(), good.with(said{"sudo@10.0.0.13": failed(1, "")}), "stop: sudo on 10.0.0.13 asks for a password", "", ""},
		{"a node is down", "upgrade cluster", testCluster(), good.with(said{"room@10.0.0.13": {Trouble: "no route to host"}}), "stop: 10.0.0.13 could not be asked for its free disk: no route to host", "", ""},
		{"somebody else's export", "upgrade cluster", testCluster(), good.with(said{"jobs": out(exporting)}), "stop: `kato data export` runs on the core already, as process 4712: kato has no lock", "", ""},
		{"our own run", "upgrade cluster", busy, good.with(said{"jobs": out(exporting)}), "core$ kato node upgrade --cluster", als.Succeeded, "4 nodes at 3.4.2"},
		{"no list of processes", "upgrade cluster", testCluster(), good.with(said{"jobs": failed(127, "sh: ps: not found\n")}), "warn: it cannot be seen whether kato is doing something else on the core", als.Succeeded, ""},
		{"a role is not told of", "upgrade cluster", testCluster(), good.with(said{"roles": out(strings.Replace(running, "  mysql RUNNING\n", "", 1))}), "warn: kato's status tells nothing of mysql on 10.0.0.11: kato passes over", als.Succeeded, ""},
		{"a role is down", "upgrade cluster", testCluster(), good.with(said{"roles": out(strings.Replace(running, "dea RUNNING", "dea FATAL", 1))}), "warn: not all roles run, dea on 10.0.0.12 is FATAL", als.Succeeded, ""},
		{"there already", "upgrade cluster --version 3.4.1", testCluster(), good, "4 nodes are at 3.4.1 already", "", ""},
		{"one is not", "upgrade cluster --version 3.4.2", testCluster(), good.with(said{"version:10.0.0.11": out("3.4.2")}), "core$ kato node upgrade --cluster --version 3.4.2", als.Succeeded, ""},
		{"nothing newer", "upgrade cluster", testCluster(), same.with(said{"upgrade": out("No newer version is available: nothing to upgrade.\n")}), "", als.Succeeded, "Nothing was to do: kato knows no version newer than 3.4.1, which 4 nodes are at; all roles run."},
		{"nothing newer, it says, and fails", "upgrade cluster", testCluster(), same.with(said{"upgrade": failed(1, "No newer version is available\n")}), "", als.Failed, "Still on the old version"},
		{"nothing newer than what was asked for", "upgrade cluster --version 3.4.2", testCluster(), same.with(said{"upgrade": out("No newer version is available\n")}), "", als.Failed, "Still on the old version"},
		{"the order of als10", "upgrade cluster", c10, good, "nodes, in this order=10.0.0.12 3.4.1, 10.0.0.13 3.4.1, 10.0.0.10 3.4.1, 10.0.0.11 3.4.1", als.Succeeded, ""},
		{"from 1.1 to 1.3", "upgrade cluster --version 1.3", c11, good, "ALS 1.1.0.19 is not upgraded in place to 1.3. Export here, and import into a new cluster", "", ""},
		{"to 2.0", "upgrade node --version 2.0", c11, good, "ALS 1.1.0.19 is not upgraded in place to 2.0", "", ""},
		{"from 1.1 to 1.2", "upgrade cluster --version 1.2", c11, good, "core$ kato node upgrade --cluster --version 1.2", als.Succeeded, "3.4.2"},
		{"a core without an address", "upgrade node", alone, good, "the core's address is not known", "", ""},
		{"kato is gone", "upgrade cluster", testCluster(), good.with(said{"upgrade": failed(1, "-bash: /home/helion/bin/kato: No such file or directory\n"), "version-after:10.0.0.10": failed(127, "sh: kato: not found\n"), "version-after:10.0.0.11": failed(127, "sh: kato: not found\n"),
			"version-after:10.0.0.12": failed(127, "sh: kato: not found\n"), "version-after:10.0.0.13": failed(127, "sh: kato: not found\n")}), "", als.Failed, "kato is gone: the upgrade broke off in the middle."},
		{"status, none", "upgrade status", testCluster(), said{"upgrade-progress": out("No upgrade in progress.\n")}, "", als.Succeeded, "No upgrade is in progress."},
		{"status", "upgrade status", testCluster(), said{"upgrade-progress": out("10.0.0.12  complete  3.4.1 -> 3.4.2\n10.0.0.11  in progress (retire)\n")}, "", als.Succeeded, "1 of 2 nodes to go."},
		{"status, unreadable", "upgrade status", testCluster(), said{"upgrade-progress": failed(1, "")}, "", als.Failed, "cannot be read"},
	})
}

func TestLooks(t *testing.T) {
	tellAll(t, []telling{
		{"inspect", "inspect", testCluster(), said{"kato:inspect": out("system/disk_space      ok\nroles/processes        ok\n2 tests run, 0 failed\n")}, "", als.Succeeded, "All 2 tests passed."},
		{"inspect, failed", "inspect", testCluster(), said{"kato:inspect": failed(1, "system/disk_space      FAILED\n    only 3 MB free\nroles/processes        ok\n2 tests run, 1 failed\n")}, "", als.Succeeded, "1 of 2 tests failed: system/disk_space."},
		{"inspect, nothing", "inspect", testCluster(), said{"kato:inspect": out("")}, "", als.Failed, "No test can be made out"},
		{"history", "history", testCluster(), said{"kato:history": out(`[{"command":"kato start","status":"succeeded","node":"10.0.0.10"}]`)}, "core$ kato history --json", als.Succeeded, "1 action."},
		{"info", "info --node 10.0.0.12", testCluster(), said{"kato:info": out("assigned roles:\n  dea\n")}, "core$ kato info --node 10.0.0.12", als.Succeeded, "2 lines."},
		{"info, no kato", "info", testCluster(), said{"kato:info": failed(127, "")}, "", als.Failed, "not found on the core"},
		{"roles", "roles mysql", testCluster(), said{"kato:roles": out("mysql: mysql_node\n")}, "core$ kato role info mysql", als.Succeeded, ""},
		{"processes", "processes", testCluster(), said{"nodes": out("10.0.0.10 base\n10.0.0.12 base\n"), "kato:processes": out("10.0.0.10\nrouter2g                       RUNNING\n10.0.0.12\ndea_ng                         STOPPED\n")}, "core$ kato process list --cluster", als.Succeeded, "1 of 2 processes do not run: dea_ng on 10.0.0.12 is STOPPED."},
		{"processes of a lost node", "processes", testCluster(), said{"nodes": out("10.0.0.10 base\n10.0.0.12 base\n"), "kato:processes": out("10.0.0.10\nrouter2g                       RUNNING\n10.0.0.12\napptail                        UNREACHABLE\ndea_ng                         UNREACHABLE\nfence                          FATAL\n")}, "core$ kato process list --cluster", als.Succeeded, "3 of 4 processes do not run: fence on 10.0.0.12 is FATAL; apptail, dea_ng on 10.0.0.12 are UNREACHABLE."},
	})
}

func TestMonitor(t *testing.T) {
	tellAll(t, []telling{
		{"status", "monitor status", testCluster(), said{"agents": out("agents=\n"), "agents@10.0.0.12": out("agents= nrpe nrsysmond\n")}, "", als.Succeeded, "3 of 4 nodes have no monitoring agent."},
		{"a node is away", "monitor status", testCluster(), said{"agents": out("agents=\n"), "agents@10.0.0.12": {Trouble: "no route"}}, "", als.Failed, "1 node could not be asked."},
	})
	_, v := tell(t, testCluster(), "monitor nagios", nil)
	golden(t, "nagios.cfg", v.Report)
	alone := als.Cluster{Name: "x", Nodes: []als.Node{{IP: als.Core}}}
	if words, _ := tell(t, alone, "monitor nagios", nil); !strings.Contains(words, "nodes of the cluster are not known") {
		t.Error(words)
	}
}

func asked(t *testing.T, text string) (als.Request, als.Operation) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	return req, op
}
