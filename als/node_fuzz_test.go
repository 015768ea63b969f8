package als_test

import (
	"strings"
	"testing"
	"unicode"

	"alsbot/als"
)

// FuzzNodeLooks answers every step with the same bytes. Whatever nodes print
// about themselves, no plan writes elsewhere, and no verdict claims what the
// answer does not show.
func FuzzNodeLooks(f *testing.F) {
	place := "real=/mnt/c\nstate=writable\ndevice=/dev/vdc\nmount=/mnt/c\ntype=ext4\noptions=rw,usrjquota=aquota.user,grpjquota=aquota.group\nquotas=on\nboot=/etc/init.d/setup_helion_lxc\n"
	for _, seed := range []string{place, place + "block=yes\n", place + "boot=/etc/init.d/..\n", "mount=/\nquotas=partly", "why=x\ndone=remount\n(yes/no)? ",
		"agent=yes\nmode=640\nkey=yes\n", "agent=yes\nmode=\nkey=yes", "agent=no\nmode=600\nkey=yes\nleft=yes\n", "agents= nrsysmond nrpe\n", "agents=\n", "", "\x1b[31mmode=\xff"} {
		f.Add([]byte(seed), seed == "")
	}
	f.Fuzz(func(t *testing.T, out []byte, fails bool) {
		c := watched("/etc/newrelic/nrsysmond.cfg")
		for _, text := range []string{"quota enable /mnt/c --node 10.0.0.12", "quota status /mnt/c --node 10.0.0.12", "monitor newrelic install", "monitor status"} {
			req, op := asked(t, text)
			answer := func(steps []als.Step) (rs als.Results) {
				for _, s := range steps {
					r := als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: out}
					if fails {
						r.Exit = 1
					}
					rs = append(rs, r)
				}
				return rs
			}
			var checks []als.Step
			if op.Checks != nil {
				var err error
				checks, err = op.Checks(req, c)
				must(t, err)
			}
			seen := answer(checks)
			plan, err := op.Plan(req, c, seen)
			must(t, err)
			for _, s := range plan.Steps {
				for _, arg := range s.Argv[min(3, len(s.Argv)):] {
					if strings.HasPrefix(arg, "/etc/") && !strings.HasPrefix(arg, "/etc/newrelic/nrsysmond.cfg") && !strings.HasPrefix(arg, "/etc/init.d/setup_") {
						t.Errorf("%s would write to %q", text, arg)
					}
				}
			}
			v := op.Judge(req, c, plan, append(answer(plan.Steps), answer(plan.Verify)...))
			// escapes may split a word
			odd := strings.ContainsFunc(string(out), func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f) })
			says := func(key string) bool { return odd || strings.Contains(string(out), key) }
			if v.Outcome == als.Succeeded && len(plan.Verify) > 0 && op.Name == "monitor newrelic install" && (!says("agent=yes") || !says("key=yes")) {
				t.Errorf("the agent runs, by %q", out)
			}
			if v.Outcome == als.Succeeded && len(plan.Verify) > 0 && op.Name == "quota enable" && (!says("quotas=on") || !says("block=yes")) {
				t.Errorf("quotas are on, by %q", out)
			}
			if strings.ContainsFunc(v.Summary, unicode.IsControl) {
				t.Errorf("%s says %q", text, v.Summary)
			}
		}
	})
}
