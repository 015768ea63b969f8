package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"alsbot/als"
)

// sick is an output of kato that has bad news in every line that says anything,
// so that no part of it is good news.
type sick struct{ command, name, text string }

const sickNodes = "10.0.0.10 base controller primary router\n10.0.0.11 base filesystem mysql\n10.0.0.12 base dea\n"

func sickOutputs() []sick {
	return []sick{
		{"status", "blocks", "Node 10.0.0.10\n  base         FATAL\n  controller   STOPPED\n  primary      FATAL\n  router       STARTING\nNode 10.0.0.11\n  base         STOPPED\n  filesystem   FATAL\n  mysql        FATAL\nNode 10.0.0.12\n  base         FATAL\n  dea          STOPPED\n"},
		{"status", "table", "10.0.0.10  base  FATAL\n10.0.0.10  controller  STOPPED\n10.0.0.10  primary  FATAL\n10.0.0.10  router  STARTING\n10.0.0.11  base  STOPPED\n10.0.0.11  filesystem  FATAL\n10.0.0.11  mysql  FATAL\n10.0.0.12  base  FATAL\n10.0.0.12  dea  STOPPED\n"},
		{"status", "JSON", `{"10.0.0.10":{"base":"FATAL","controller":"STOPPED","primary":"FATAL","router":"STARTING"},` + "\n" + `"10.0.0.11":{"base":"STOPPED","filesystem":"FATAL","mysql":"FATAL"},` + "\n" + `"10.0.0.12":{"base":"FATAL","dea":"STOPPED"}}` + "\n"},
		{"processes", "blocks", "Node 10.0.0.10\n  cloud_controller_ng   FATAL\n  router2g : STARTING\nNode 10.0.0.11\n  mysql_node   STOPPED\nNode 10.0.0.12\n  dea_ng   STOPPED\n"},
		{"processes", "JSON", `{"10.0.0.10":{"cloud_controller_ng":"FATAL","router2g":"STARTING"},` + "\n" + `"10.0.0.11":{"mysql_node":"STOPPED"},` + "\n" + `"10.0.0.12":{"dea_ng":"STOPPED"}}` + "\n"},
		{"patch status", "A", "  3 updates available to be installed.\n\n  Known updates for Stackato 2.10.4:\n    dea-fix: Fix the DEA.\n      severity: required\n      roles affected: dea\n\n    ssl-fix: Fix the certificates.\n      severity: required\n      roles affected: router\n\n    log-fix: Fix the log.\n      severity: required\n      roles affected: controller, primary\n"},
		{"patch status", "C", "  2 updates are available for 3.4.2.\n\n      aok-fix: Correct aok\n          patch id:           1\n          roles affected:     router, controller\n          installed on:       none\n          to be installed on: 10.0.0.10\n\n      logs-fix: Allow custom logs\n          patch id:           2\n          roles affected:     controller\n          installed on:       none\n          to be installed on: 10.0.0.10\n"},
		{"patch status", "JSON", `[{"id":1,"name":"dea-fix","description":"x","severity":"required",` + "\n" + ` "roles":["dea"],"installed_on":[],"to_be_installed_on":["10.0.0.12"]},` + "\n" + `{"id":2,"name":"log-fix","description":"x","severity":"required",` + "\n" + ` "roles":["controller"],"installed_on":[],"to_be_installed_on":["10.0.0.10"]}]` + "\n"},
		{"nodes", "lines", sickNodes},
		{"inspect", "lines", "system/disk_space      FAILED\n    only 3 MB free\nsystem/memory          FAILED\nroles/processes        FAILED\n    role dea is STOPPED\n3 tests run, 3 failed\n"},
		{"upgrade status", "lines", "10.0.0.12  in progress (retire)\n10.0.0.11  in progress (stage)\n10.0.0.10  pending\n"},
		{"maintenance status", "word", "true\n"},
	}
}

// readers damages outputs that have nothing but bad news. A trial is one damaged
// output: its verdict must not be good news, and must not say that there is
// nothing.
func readers(t *testing.T, r *report) {
	all := sickOutputs()
	for _, s := range all {
		if v, err := s.judge(s.text); err != nil || v.Outcome != als.Succeeded || goodNews(s, v) != "" {
			t.Fatalf("%s, %s, is read as %+v, %v", s.command, s.name, v, err)
		}
	}
	random := rand.New(rand.NewPCG(39, uint64(r.n)))
	failed := 0
	for i := range r.n {
		s := all[i%len(all)]
		text := s.text
		for range 1 + random.IntN(3) {
			text = damage(random, text)
		}
		v, err := s.judge(text)
		if what := goodNews(s, v); err == nil && what != "" {
			err = fmt.Errorf("%s, %s: %q is read as %s: %q", s.command, s.name, text, what, v.Summary)
		}
		if err == nil && v.Outcome == als.Failed {
			failed++
		}
		r.trial(err)
	}
	r.figure("%d refused, %d read as bad news", failed, r.n-failed)
}

// judge returns the verdict on an output. The list of nodes is as it should be.
func (s sick) judge(text string) (als.Verdict, error) {
	req, err := als.Parse(s.command, als.Operations)
	if err != nil {
		return als.Verdict{}, err
	}
	op, _ := als.Operations.Find(req.Operation)
	c := als.Cluster{Name: "c0", Kato: "kato", Generation: als.ALS11, Nodes: []als.Node{
		{IP: "10.0.0.10", Roles: []string{"base", "controller", "primary", "router"}}, {IP: "10.0.0.11", Roles: []string{"base", "filesystem", "mysql"}}, {IP: "10.0.0.12", Roles: []string{"base", "dea"}}}}
	plan, err := op.Plan(req, c, nil)
	if err != nil {
		return als.Verdict{}, err
	}
	var rs als.Results
	for i, step := range plan.Steps {
		res := step.Result()
		if res.Output = []byte(text); i > 0 {
			res.Output = []byte(sickNodes)
		}
		rs = append(rs, res)
	}
	return op.Conclude(req, c, plan, rs), nil
}

// goodNews says what is good in a verdict that must not be; "" if nothing is.
func goodNews(s sick, v als.Verdict) string {
	some := strings.HasPrefix(v.Summary, "0 of ") && !strings.HasPrefix(v.Summary, "0 of 0 ") // "0 of 9 roles run" is bad news
	empty := strings.HasPrefix(v.Summary, "No ") || strings.HasPrefix(v.Summary, "0 ") && !some || strings.HasPrefix(v.Summary, "All 0 ")
	switch {
	case v.Outcome == als.Unconfirmed || v.Outcome == als.Waiting:
		return "a read that is " + string(v.Outcome)
	case v.Outcome == als.Failed:
		return ""
	case empty:
		return "none"
	case !v.Concern && s.command != "nodes": // a list of nodes says nothing of their health
		return "good news"
	}
	return ""
}

// damage does one thing to a text: it drops, cuts off, doubles, moves or renames.
// No new name is a word that means good health.
func damage(random *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i, j := random.IntN(len(lines)), random.IntN(len(lines))
	switch random.IntN(6) {
	case 0:
		lines[i] = ""
	case 1:
		return text[:random.IntN(len(text)+1)]
	case 2:
		lines[i] += lines[i]
	case 3:
		lines[i], lines[j] = lines[j], lines[i]
	case 4:
		if at := random.IntN(len(lines[i]) + 1); at < len(lines[i]) { // a piece out of the middle of a line
			lines[i] = lines[i][:at] + lines[i][at+random.IntN(len(lines[i])-at):]
		}
	default:
		if words := strings.Fields(lines[i]); len(words) > 0 {
			name := []string{"bzrk", "XQZT", "10.0.9.9", "zz_top", "-", "qx: bzrk"}[random.IntN(6)]
			lines[i] = strings.Replace(lines[i], words[random.IntN(len(words))], name, 1)
		}
	}
	return strings.Join(lines, "")
}
