package als_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// FuzzBackupsPrune checks that retention removes only recorded archives, and
// never the last verified one that a node reports, whatever the nodes print.
func FuzzBackupsPrune(f *testing.F) {
	f.Add([]byte("dir=/mnt/nas\nf0=1000\nf1=1000\nf2=1000\n"), []byte("f0=removed\nf1=removed\n"))
	f.Add([]byte("dir=/mnt/nas\nf0=missing\nf1=1000\nf2=other\n"), []byte("why=x\n"))
	f.Add([]byte("dir=/mnt/nas\r\nf0=1000\r\nf0=7\nf1=unreadable\nf9=1000\n"), []byte("f0=altered\nf1=stuck\nf2=elsewhere\n"))
	f.Add([]byte("\x1b[31mdir=/\x00mnt/nas\nf0=\n"), []byte(strings.Repeat("f0=removed", 100)))
	f.Fuzz(func(t *testing.T, looked, said []byte) {
		c := keeping("/mnt/nas", times(t, "2026-11-20 03:00", "2026-11-21 03:00", "2026-11-22 03:00")...)
		op, _ := als.Operations.Find("backups prune")
		req := als.Request{Operation: "backups prune"}
		steps, err := op.Checks(req, c)
		must(t, err)
		look := als.Result{Key: steps[0].Key, Node: steps[0].Node, Output: looked}
		plan, err := op.Plan(req, c, als.Results{look})
		must(t, err)
		there := slices.DeleteFunc(slices.Clone(c.History.Archives), func(a als.Archive) bool { return !strings.Contains(string(looked), "1000") })
		for _, s := range plan.Steps {
			line := strings.Join(s.Argv, " ")
			if len(there) == 0 || strings.Contains(line, there[len(there)-1].Path+" 1000 "+strings.Repeat("a", 64)) {
				t.Fatalf("%s\nafter\n%s", line, looked)
			}
		}
		if plan.Nothing != "" {
			return
		}
		rs := als.Results{look, {Key: plan.Steps[0].Key, Node: plan.Steps[0].Node, Exit: 3, Output: said}, {Key: plan.Verify[0].Key, Node: plan.Verify[0].Node, Output: looked}}
		v := op.Judge(req, c, plan, rs)
		for _, a := range v.Archives {
			if !strings.Contains(fmt.Sprint(plan.Hints), a.Run) {
				t.Fatalf("news of %+v", a)
			}
		}
	})
}
