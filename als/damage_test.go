package als_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"alsbot/als"
)

// A damaged output is never good news. The texts that kato is known to print
// are damaged line by line: dropped, cut, swapped, doubled, renamed, and with
// another line between. A look at a damaged text has failed or found
// something, or says exactly what the whole text says. A change that has not
// happened never succeeds, whatever of its proof is damaged.

// damage is one damaged text, and the line that the damage is about.
type damage struct{ how, line, text string }

var damageWord = regexp.MustCompile(`[A-Za-z0-9_.-]+`)

// damaged returns the text with every damage. JSON is damaged on one line and
// with a line for each value.
func damaged(text string) []damage {
	var out []damage
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	join := func(how, line string, parts ...[]string) {
		s := ""
		for _, p := range parts {
			s += strings.Join(p, "")
		}
		out = append(out, damage{how, strings.TrimSpace(line), s})
	}
	for i, l := range lines {
		join("drop", l, lines[:i], lines[i+1:])
		join("double", l, lines[:i+1], lines[i:])
		join("another line after", l, lines[:i+1], []string{"  and something else\n"}, lines[i+1:])
		if i > 0 {
			join("swap", l, lines[:i-1], []string{l, lines[i-1]}, lines[i+1:])
		}
		join("drop the rest", l, lines[:i])
		for n := 1; n < len(l); n++ {
			join("cut", l, lines[:i], []string{l[:n]})
			join("cut, end of line", l, lines[:i], []string{l[:n] + "\n"}, lines[i+1:])
		}
		for _, w := range damageWord.FindAllStringIndex(l, -1) {
			join("rename", l, lines[:i], []string{l[:w[0]] + "x" + l[w[0]:]}, lines[i+1:])
			join("rename", l, lines[:i], []string{l[:w[1]] + "x" + l[w[1]:]}, lines[i+1:])
			join("lose a word", l, lines[:i], []string{l[:w[0]] + l[w[1]:]}, lines[i+1:])
		}
	}
	var wide bytes.Buffer
	if json.Indent(&wide, []byte(text), "", " ") == nil && wide.String() != text && strings.Count(text, "\n") < 2 {
		out = append(out, damaged(wide.String()+"\n")...)
	}
	return out
}

// look is a read and a text that it is about.
type look struct {
	command, key, text string
	others             said
	// blind are the damages that no one can see in the text, as expressions on
	// "how: line".
	blind string
}

func looksToDamage() []look {
	nodes := said{"nodes": out("10.0.0.10 base controller router\n10.0.0.11 base filesystem\n")}
	well := strings.NewReplacer("STARTING\n    router2g: FATAL", "RUNNING", "STOPPED", "RUNNING").Replace(statusText)
	table := "10.0.0.10  base  RUNNING\n10.0.0.10  controller  RUNNING\n10.0.0.10  router  STARTING\n10.0.0.11  base  RUNNING\n10.0.0.11  filesystem  STOPPED\n"
	inJSON := `{"10.0.0.10":{"base":"RUNNING","controller":"RUNNING","router":"STARTING"},"10.0.0.11":{"base":"RUNNING","filesystem":"STOPPED"}}` + "\n"
	deep := `{"nodes":{"10.0.0.10":{"roles":{"base":{"state":"RUNNING"},"controller":{"state":"RUNNING"},"router":{"state":"FATAL"}}},"10.0.0.11":{"roles":{"base":{"status":"running"},"filesystem":{"state":"running"}}}}}` + "\n"
	processes := "10.0.0.10\ncloud_controller_ng   RUNNING\nrouter2g : STARTING\n10.0.0.11\ndea_ng   STOPPED\n"
	const progress = "10.0.0.12  complete  3.4.1 -> 3.4.2\n10.0.0.11  in progress (retire)\n10.0.0.10  pending\n"
	const actions = `[{"time":"2026-11-23T03:00:00Z","node":"10.0.0.10","command":"kato start","status":"succeeded"},{"time":"2026-11-23T04:00:00Z","node":"10.0.0.10","command":"kato stop","status":"failed"}]` + "\n"
	logged := "[info] (12339) INVOKE-ADMIN-ACTION {\"command\": \"kato start\",\"status\": \"succeeded\"}\n[info] (12340) INVOKE-ADMIN-ACTION {\"command\": \"kato stop\",\"status\": \"failed\"}\n"
	// A role or a process that does not run and is listed nowhere else, the
	// name of one, and a whole line of a list without a count leave no trace.
	const list = "^(drop|drop the rest|swap|rename|lose a word|cut|cut, end of line): "
	return []look{
		{"status", "roles", statusText, nodes, ""}, {"status", "roles", well, nodes, ""}, {"status", "roles", table, nodes, ""},
		{"status", "roles", strings.NewReplacer("STARTING", "RUNNING", "STOPPED", "RUNNING").Replace(table), nodes, ""},
		{"status", "roles", inJSON, nodes, ""}, {"status", "roles", deep, nodes, ""},
		{"status", "nodes", string(nodes["nodes"].Output), said{"roles": out(well)}, ""},
		{"nodes", "nodes", nodeList, nil, list + "10.0.0.1[123]|^(rename|lose a word|cut, end of line): 10.0.0.10"},
		{"processes", "kato:processes", processes, nodes, "^$"},
		{"processes", "kato:processes", strings.NewReplacer("STARTING", "RUNNING", "STOPPED", "RUNNING").Replace(processes), nodes, list + "[a-z]|^swap: "},
		{"patch status", "patches", patchesA, nil, ""}, {"patch status", "patches", patchesB, nil, ""},
		{"patch status", "patches", clusterPatches, nil, ""}, {"patch status", "patches", patchesJ, nil, "^(drop|swap): "},
		{"patch status", "patches", noPatches, nil, ""}, {"patch status", "patches", allInstalled, nil, ""},
		{"maintenance status", "maintenance", "true\n", nil, ""}, {"maintenance status", "maintenance", "false\n", nil, ""},
		{"maintenance status", "maintenance", "--- ! 'false'\n...\n", nil, ""},
		{"upgrade status", "upgrade-progress", progress, said{"nodes": out("10.0.0.10 base\n10.0.0.11 base\n10.0.0.12 base\n")}, ""},
		{"upgrade status", "upgrade-progress", "10.0.0.12  complete  3.4.1 -> 3.4.2\n10.0.0.11  complete\n", said{"nodes": out("10.0.0.11 base\n10.0.0.12 base\n")}, "^(lose a word|cut, end of line): 10.0.0.12"},
		{"upgrade status", "upgrade-progress", "No upgrade is in progress.\n", nil, ""},
		{"upgrade status", "upgrade-progress", `{"10.0.0.12":{"state":"complete","from":"3.4.1"},"10.0.0.11":{"state":"pending"}}` + "\n", nil, ""},
		{"inspect", "kato:inspect", "system/disk_space      FAILED\n    only 3 MB free\nroles/processes        ok\n2 tests run, 1 failed\n", nil, "^(rename|cut, end of line|lose a word|cut): (system|roles|only)"},
		{"inspect", "kato:inspect", "system/disk_space      ok\nroles/processes        ok\n2 tests run, 0 failed\n", nil, "^(rename|cut, end of line|lose a word): (system|roles)"},
		{"version", "version", "3.4.2\n", nil, "^cut, end of line"}, {"version", "version", "Application Lifecycle Service 1.3\n", nil, "^(rename|lose a word): Application|^cut, end of line"},
		{"history", "kato:history", actions, nil, `^(rename|lose a word): |^(drop|cut, end of line): "node"`},
		{"history", "kato:history", logged, nil, "^(drop|drop the rest|double|swap|rename|lose a word|cut): "},
	}
}

func TestDamagedTextIsNoGoodNews(t *testing.T) {
	t.Parallel()
	n := 0
	for _, l := range looksToDamage() {
		c := testCluster()
		judge := func(text string) als.Verdict {
			_, v := tell(t, c, l.command, l.others.with(said{l.key: {Output: []byte(text)}}))
			return v
		}
		whole := judge(l.text)
		if whole.Outcome != als.Succeeded {
			t.Errorf("%s %q: %s", l.command, l.text, whole.Summary)
		}
		blind := regexp.MustCompile(l.blind)
		for _, d := range damaged(l.text) {
			n++
			v := judge(d.text)
			same := v.Summary == whole.Summary && v.Report == whole.Report
			if v.Outcome == als.Succeeded && !v.Concern && !same && (l.blind == "" || !blind.MatchString(d.how+": "+d.line)) {
				t.Errorf("%s, %s: %q: %s\n%s", l.command, d.how, d.line, v.Summary, d.text)
			}
			if v.Outcome == als.Failed && (v.Summary == "" || v.Next.Empty()) {
				t.Errorf("%s, %s: %q: nothing says what is wrong", l.command, d.how, d.line)
			}
		}
	}
	t.Logf("%d damaged texts", n)
}

// Every read has another status than 0 in its summary, says that it was cut,
// and is not whole then.
func TestReadWithAnotherStatusIsNoGoodNews(t *testing.T) {
	t.Parallel()
	for _, l := range looksToDamage() {
		_, whole := tell(t, testCluster(), l.command, l.others.with(said{l.key: {Output: []byte(l.text)}}))
		for _, r := range []als.Result{{Output: []byte(l.text), Exit: 70}, {Output: []byte(l.text), Cut: true}, {Output: []byte(l.text), Trouble: "the wire is cut"}} {
			_, v := tell(t, testCluster(), l.command, l.others.with(said{l.key: r}))
			want := map[bool]string{true: "70", false: "1 MiB"}[r.Exit == 70]
			if r.Trouble != "" {
				want = r.Trouble
			}
			if v.Outcome != als.Failed || !strings.Contains(v.Summary, want) {
				t.Errorf("%s, %q: %s: %s", l.command, want, v.Outcome, v.Summary)
			}
			if l.command != "version" && whole.Report == "" {
				continue
			}
			if !strings.HasPrefix(v.Report, "Incomplete: ") {
				t.Errorf("%s: what was read is not shown:\n%s", l.command, v.Report)
			}
		}
	}
}

// A change that has not happened does not succeed because a part of what
// would show it is damaged.
func TestDamagedProofProvesNothing(t *testing.T) {
	t.Parallel()
	const where = `[{"id":1,"name":"dea-memory","roles":["dea"],"installed_on":[],"to_be_installed_on":["10.0.0.12","10.0.0.13"]}]` + "\n"
	before := fresh().with(kato{"core$ kato restart dea": {"", 0}, "core$ kato restart dea --node 10.0.0.12": {"", 0}, "core$ kato stop dea --node 10.0.0.12": {"", 0}, "core$ kato patch revert dea-memory": {"", 0}, "core$ kato patch reset": {"", 0}})
	ended := func(command string) answer { return answer{history(command, "succeeded") + "\n", 0} }
	down := strings.Replace(running, "10.0.0.12\n  base RUNNING\n  dea RUNNING", "10.0.0.12\n  base RUNNING\n  dea FATAL", 1)
	n := 0
	for _, tt := range []struct {
		command, line, text string
		before, after       kato
		blind               string
	}{
		{"patch install dea-memory", "core$ kato patch status", clusterPatches, nil, kato{whereLine: {where, 0}, historyLine: ended("kato patch install dea-memory")}, ""},
		{"patch install dea-memory", "core$ kato status", down, nil, patched().with(kato{historyLine: ended("kato patch install dea-memory")}), ""},
		{"patch install dea-memory", historyLine, started + "\n", nil, patched(), ""},
		{"patch revert dea-memory", "core$ kato patch status", allInstalled, patched(), kato{historyLine: ended("kato patch revert dea-memory")}, ""},
		{"patch reset", "core$ kato patch status", allInstalled, patched(), nil, ""},
		{"restart dea --node 10.0.0.12", "core$ kato status", down, nil, kato{historyLine: ended("kato restart dea --node 10.0.0.12")}, ""},
		{"restart dea --node 10.0.0.12", historyLine, started + "\n", nil, nil, ""},
		{"restart dea --node 10.0.0.12", historyLine, history("kato restart dea --node 10.0.0.12", "failed") + "\n", nil, nil, ""},
		{"stop dea --node 10.0.0.12", "core$ kato status", running, nil, nil, ""},
	} {
		b := before.with(tt.before)
		begun, err := begin(t, testCluster(), tt.command, b)
		must(t, err)
		if !begun.ran {
			t.Fatalf("%s: there is nothing to do", tt.command)
		}
		a := b.with(tt.after)
		blind := regexp.MustCompile(tt.blind)
		for _, d := range append(damaged(tt.text), damage{"whole", "", tt.text}) {
			n++
			a[tt.line] = answer{d.text, 0}
			v := begun.judge(t, a)
			if v.Outcome == als.Succeeded && (tt.blind == "" || !blind.MatchString(d.how+": "+d.line)) {
				t.Errorf("%s, %s of %s: %q: %s\n%s", tt.command, d.how, tt.line, d.line, v.Summary, d.text)
			}
		}
	}
	t.Logf("%d damaged proofs", n)
}
