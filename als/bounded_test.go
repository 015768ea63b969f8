package als_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/als"
)

// A verdict stays on record, and people read it: however much a node prints, it
// has a size for that. What it leaves out, it says.
func TestVerdictsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	var names, tasks, tests, actions strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&names, "log-%05d\n", i)
		fmt.Fprintf(&tasks, "10.0.0.11: importing part-%05d...   ok\n", i)
		fmt.Fprintf(&tests, "group/test-%05d-%.60s   FAILED\n", i, long)
		fmt.Fprintf(&actions, "{\"command\":\"kato start %d %s\",\"status\":\"succeeded\"}\n", i, long)
	}
	fmt.Fprintf(&tests, "8000 tests run, 8000 failed\n")
	for text, s := range map[string]said{
		"logs nope": {"logs": failed(1, "no log nope in /s/logs; there are:\n"+names.String())},
		"inspect":   {"kato:inspect": failed(1, tests.String())},
		"history":   {"kato:history": out(actions.String())},
		"import cluster /mnt/nas/b.tgz": {"archive": out("size=1\nunpacked=1\nfiles=1\ntar=0\nholds=\nsha256=" + strings.Repeat("a", 64) + "\nstate=read\n"), "room": out("free=20000000000\nmemory=1\n"),
			"admins": out("- a@b.c\n"), "sudo": out(""), "maintenance": out("false\n"), "roles": out(running), "jobs": out(idle), "ssh": out("bad=\n"), "clock": out("2026-11-23T03:30:00Z\n"),
			"history": out(started), "import": out(tasks.String()), "roles-after": out(running), "history-after": out(imported("succeeded"))},
	} {
		req, err := als.Parse(text, als.Operations)
		must(t, err)
		op, _ := als.Operations.Find(req.Operation)
		_, v := tellWith(t, testCluster(), text, s, op.Conclude)
		if len(v.Summary) > 4<<10 || len(v.Report) > 256<<10 {
			t.Errorf("%s: a summary of %d bytes, a report of %d: %.100s", text, len(v.Summary), len(v.Report), v.Summary)
		}
		if len(v.Report) > 200<<10 && (v.Whole || !strings.Contains(v.Report, "[cut")) {
			t.Errorf("%s: nothing says that the report is cut: …%s", text, v.Report[len(v.Report)-100:])
		}
		t.Logf("%s: %s, %d, %d", text, v.Outcome, len(v.Summary), len(v.Report))
	}
}
