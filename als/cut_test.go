package als_test

import (
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// An output may be cut off anywhere, since kato may be killed at any time, and
// may have noise between its lines. Readers then return less, or an error:
// never something else, and never good news.

// noisy adds the lines that are known to appear between those of any output.
func noisy(text string) string {
	var b strings.Builder
	b.WriteString("stdin: is not a tty\r\n")
	for _, l := range strings.SplitAfter(text, "\n") {
		b.WriteString(strings.ReplaceAll(l, "\n", "\x1b[0m\r\n"))
		b.WriteString("2014-09-01 error getting sizes\n")
	}
	return b.String()
}

// cuts calls read with every beginning of the text, and with the text with
// noise in it.
func cuts(text string, read func(cut string, whole bool)) {
	for i := range len(text) + 1 {
		read(text[:i], i == len(text))
	}
	read(noisy(text), true)
}

func TestPatchesCut(t *testing.T) {
	for name, text := range map[string]string{"A": patchesA, "B": patchesB, "C": patchesC, "JSON": patchesJ} {
		whole, err := als.ReadPatches([]byte(text))
		must(t, err)
		var names []string
		for _, p := range whole.Patches {
			names = append(names, p.Name)
		}
		cuts(text, func(cut string, all bool) {
			got, err := als.ReadPatches([]byte(cut))
			if err != nil {
				if all {
					t.Errorf("%s: %v", name, err)
				}
				return
			}
			for _, p := range got.Patches {
				if !slices.Contains(names, p.Name) {
					t.Errorf("%s, cut at %d: there is no patch %q", name, len(cut), p.Name)
				}
			}
			if len(got.Patches) == 0 || all && len(got.Patches) != len(names) {
				t.Errorf("%s, cut at %d: %d patches", name, len(cut), len(got.Patches))
			}
			if len(got.Patches) < len(names) && got.Mismatch() == "" {
				t.Errorf("%s, cut at %d: a patch is missing, and nothing says so", name, len(cut))
			}
		})
	}
}

func TestNodesCut(t *testing.T) {
	const text = "10.0.0.10 base controller primary router\n10.0.0.11 base, filesystem, mysql\n10.0.0.112 base dea\n"
	cuts(text, func(cut string, all bool) {
		got, err := als.ReadNodes([]byte(cut))
		if err != nil {
			return
		}
		for _, n := range got {
			if !slices.Contains([]string{"10.0.0.10", "10.0.0.11", "10.0.0.112"}, n.IP) || len(n.Roles) == 0 {
				t.Errorf("cut at %d: there is no node %s %q", len(cut), n.IP, n.Roles)
			}
		}
		if all && len(got) != 3 {
			t.Errorf("%d nodes", len(got))
		}
	})
}

// A role that a cut status does not mention is not healthy.
func TestStatusCut(t *testing.T) {
	for name, text := range map[string]string{
		"blocks": statusText,
		"table":  "10.0.0.10  base  RUNNING\n10.0.0.10  controller  RUNNING\n10.0.0.10  router  STARTING\n10.0.0.11  base  RUNNING\n10.0.0.11  filesystem  STOPPED\n",
		"JSON":   `{"10.0.0.10":{"base":"RUNNING","controller":"RUNNING","router":"STARTING"},"10.0.0.11":{"base":"RUNNING","filesystem":"STOPPED"}}` + "\n",
	} {
		whole, err := als.ReadStatus([]byte(text))
		must(t, err)
		cuts(text, func(cut string, all bool) {
			got, err := als.ReadStatus([]byte(cut))
			for _, ip := range got.Nodes("") {
				for _, role := range got.Roles(ip) {
					if got.Of(ip, role).Healthy() && !whole.Of(ip, role).Healthy() {
						t.Errorf("%s, cut at %d: %s on %s is %s", name, len(cut), role, ip, got.Of(ip, role))
					}
				}
			}
			if all && (err != nil || got.Of("10.0.0.11", "filesystem") != "STOPPED") {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		})
	}
}

func TestOthersCut(t *testing.T) {
	const progress = "10.0.0.12  complete  3.4.1 -> 3.4.2\n10.0.0.11  in progress (retire)\n10.0.0.10  pending\n"
	cuts(progress, func(cut string, all bool) {
		got, err := als.ReadUpgrade([]byte(cut))
		if err == nil && len(got) == 0 {
			t.Errorf("cut at %d, an upgrade is read as none", len(cut))
		}
		if all && len(got) != 3 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	for text, want := range map[string]bool{"true\n": true, "false\n": false} {
		cuts(text, func(cut string, _ bool) {
			if got, err := als.ReadBool([]byte(cut)); err == nil && got != want {
				t.Errorf("%q is %v", cut, got)
			}
		})
	}
	cuts("Application Lifecycle Service 1.3\n", func(cut string, all bool) {
		if got, err := als.ReadVersion([]byte(cut)); (err == nil || all) && got != "1.3" {
			t.Errorf("%q is version %q, %v", cut, got, err)
		}
	})
	cuts("---\n- ! 'a@example.com'\n- b@example.com\n", func(cut string, all bool) {
		got, err := als.ReadList([]byte(cut))
		want := []string{"a@example.com", "b@example.com"}
		if err == nil && len(got) == 0 || err == nil && !slices.Equal(got, want[:len(got)]) || all && (err != nil || len(got) != 2) {
			t.Errorf("%q is read as %q, %v", cut, got, err)
		}
	})
	cuts("--- []\n", func(cut string, all bool) {
		if got, err := als.ReadList([]byte(cut)); len(got) > 0 || all && err != nil {
			t.Errorf("%q is read as %q, %v", cut, got, err)
		}
	})
}

func TestProcessesCut(t *testing.T) {
	for name, text := range map[string]string{
		"blocks": "Node 10.0.0.10\n  cloud_controller_ng   RUNNING\n  router2g : STARTING\nNode 10.0.0.12\n  dea_ng   STOPPED\n",
		"lines":  "cloud_controller_ng : RUNNING\nrouter2g                       STARTING\ndea_ng                         STOPPED\n",
		"JSON":   `{"10.0.0.10":{"cloud_controller_ng":"RUNNING","router2g":"STARTING"},"10.0.0.12":{"dea_ng":"STOPPED"}}` + "\n",
	} {
		whole, err := als.ReadProcesses([]byte(text))
		must(t, err)
		cuts(text, func(cut string, all bool) {
			got, err := als.ReadProcesses([]byte(cut))
			n := 0
			for _, ip := range got.Nodes("") {
				for _, process := range got.Roles(ip) {
					n++
					if known := slices.Contains(whole.Roles(ip), process); !known || got.Of(ip, process).Healthy() && !whole.Of(ip, process).Healthy() {
						t.Errorf("%s, cut at %d: %s on %q is %s", name, len(cut), process, ip, got.Of(ip, process))
					}
				}
			}
			if err == nil && n == 0 || all && (err != nil || n != 3) {
				t.Errorf("%s, cut at %d: %d processes, %v", name, len(cut), n, err)
			}
		})
	}
}

// The newest entry of kato's history counts as evidence. JSON without its end
// lacks it and is no history.
func TestHistoryCut(t *testing.T) {
	want := []als.Action{{When: "1", Node: "n", Command: "kato start", Status: "succeeded"}, {When: "2", Node: "n", Command: "kato stop", Status: "failed"}}
	const first, second = `{"time":"1","node":"n","command":"kato start","status":"succeeded"}`, `{"time":"2","node":"n","command":"kato stop","status":"failed"}`
	for name, text := range map[string]string{
		"JSON":        "[" + first + ", " + second + "]\n",
		"JSON, lines": "[\n  " + first + ",\n  " + second + "\n]\n",
		"JSON, many":  strings.NewReplacer("{", "\n{\n", ",", ",\n").Replace("["+first+","+second) + "\n]\n",
		"log":         "[info] (12339) INVOKE-ADMIN-ACTION " + first + "\n[info] (12340) INVOKE-ADMIN-ACTION " + second + "\n",
	} {
		cuts(text, func(cut string, all bool) {
			got, err := als.ReadHistory([]byte(cut))
			whole := slices.Equal(got, want) || name == "log" && slices.Equal(got, want[:1])
			if all && (err != nil || len(got) != 2) || err == nil && !whole {
				t.Errorf("%s: %q is read as %+v, %v", name, cut, got, err)
			}
		})
	}
}

// An interrupted run of health tests has not passed, and names only tests that
// failed.
func TestInspectCut(t *testing.T) {
	inspect, _ := als.Operations.Find("inspect")
	judge := func(out string, exit int) als.Verdict {
		return inspect.Judge(als.Request{}, testCluster(), als.Plan{}, als.Results{{Key: "kato:inspect", Output: []byte(out), Exit: exit}})
	}
	const failing, passing = "system/disk_space      FAILED\n    only 3 MB free\nroles/processes        ok\n2 tests run, 1 failed\n", "system/disk_space      ok\nroles/processes        ok\n2 tests run, 0 failed\n"
	if v := judge(failing, 137); v.Outcome != als.Failed || !strings.Contains(v.Summary, "status 137") {
		t.Errorf("%s: %s", v.Outcome, v.Summary)
	}
	cuts(failing, func(cut string, all bool) {
		v := judge(cut, 1)
		if (v.Outcome == als.Succeeded) != all || all && (!v.Concern || v.Summary != "1 of 2 tests failed: system/disk_space.") {
			t.Errorf("%q: %s: %s", cut, v.Outcome, v.Summary)
		}
	})
	cuts(passing, func(cut string, all bool) {
		if v := judge(cut, 137); v.Outcome == als.Succeeded {
			t.Errorf("%q: %s: %s", cut, v.Outcome, v.Summary)
		}
		if v := judge(cut, 0); all && (v.Concern || v.Summary != "All 2 tests passed.") {
			t.Errorf("%q: %s", cut, v.Summary)
		}
	})
}

const importText = "-----> Importing from /mnt/nas/b.tgz\n10.0.0.10: importing main-db...            ok\n10.0.0.11: importing mysql...              failed\n" +
	"-----> Redeploying apps\nredeploying shop...                        ok\nredeploying wiki...                        failed\n" +
	"The following apps could not be redeployed:\n  wiki\n  blog\nImport complete.\n"

func TestReadImport(t *testing.T) {
	want := als.Imported{Done: []string{"10.0.0.10: importing main-db"}, Failed: []string{"10.0.0.11: importing mysql"},
		Redeployed: []string{"shop"}, Lost: []string{"wiki", "blog"}}
	cuts(importText, func(cut string, all bool) {
		got := als.ReadImport([]byte(cut))
		for _, words := range [][2][]string{{got.Done, want.Done}, {got.Redeployed, want.Redeployed}} {
			for _, w := range words[0] {
				if !slices.Contains(words[1], w) {
					t.Errorf("cut at %d: %q is called done", len(cut), w)
				}
			}
		}
		if all && (!slices.Equal(got.Done, want.Done) || !slices.Equal(got.Failed, want.Failed) || !slices.Equal(got.Redeployed, want.Redeployed) || !slices.Equal(got.Lost, want.Lost) || got.Complaint != "") {
			t.Errorf("got %+v", got)
		}
	})
	for _, text := range []string{"Import failed: no such thing\n", "10.0.0.10: importing main-db...   ok\n/s/x.rb:1:in `y': z (NoMethodError)\n"} {
		if got := als.ReadImport([]byte(text)); got.Complaint == "" {
			t.Errorf("%q is no complaint", text)
		}
	}
}

// FuzzJudges answers every step of every operation with one text. The verdict
// has no invisible characters, and a failure says what to do.
func FuzzJudges(f *testing.F) {
	for _, s := range []string{patchesA, patchesB, patchesC, patchesJ, statusText, importText, "10.0.0.10 base primary\n", "true\n", "3.4.2\n", "bad= 10.0.0.12\n",
		"system/disk_space      FAILED\n", "state=read\nsize=1\nfiles=1\ntar=0\nholds=mysql\n", "ssh=ok\nsudo=ok\n", "ssh=ok\n10.0.0.10 base primary\n30\t/var/helion/services/\npartly\nfree=9\n", "ssh=away\nsaid=\x1b[31mx\n", "", "\x1b[31mx\r\n", "agents=\u202enrpe\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		for _, op := range als.Operations {
			if !op.Builtin {
				judged(t, op.Example, out)
			}
		}
		judged(t, "import cluster old.example.com", out)
	})
}

// judged plans and judges a command with one text as every answer.
func judged(t *testing.T, text string, out []byte) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	c := testCluster()
	answers := func(steps []als.Step) (rs als.Results) {
		for _, s := range steps {
			rs = append(rs, als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: out})
		}
		return rs
	}
	var rs als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, c)
		if err != nil {
			return
		}
		rs = answers(steps)
	}
	plan, err := op.Plan(req, c, rs)
	if err != nil {
		return
	}
	for _, found := range plan.Findings {
		checkText(t, found.Text)
		checkText(t, found.Fix.Text)
		checkAdvice(t, found.Fix)
	}
	if _, stopped := plan.Stopped(); stopped || plan.Nothing != "" {
		return
	}
	v := op.Judge(req, c, plan, append(answers(plan.Steps), answers(plan.Verify)...))
	checkText(t, v.Summary)
	checkText(t, v.Next.Text)
	checkOffers(t, v)
	checkText(t, strings.ReplaceAll(v.Report, "\n", ""))
	if v.Outcome == als.Failed && v.Next.Text == "" {
		t.Fatalf("%s failed, and nothing says what to do: %s", text, v.Summary)
	}
}
