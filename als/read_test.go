package als_test

import (
	"reflect"
	"strings"
	"testing"

	"alsbot/als"
)

// Outputs as kato.md quotes them.
const (
	patchesA = "  2 updates available to be installed.\n\n  Known updates for Stackato 2.10.4:\n    dea-memory-usage-reporting: Fix the reporting of stackato stats usage on the DEA end.\n      severity: required\n      roles affected: dea\n\n    vsphere-autoscaling-fix: Fix VSphere autoscaling behavior.\n      severity: required\n      roles affected: controller, primary\n"
	patchesB = "2 updates available to be installed.\n\nKnown updates:\n  dea-memory-usage-reporting: Fix the reporting of helion stats usage on the DEA end.\n    severity: required\n    roles affected: dea\n\n  vsphere-autoscaling-fix: Fix VSphere autoscaling behavior.\n    severity: required\n    roles affected: controller, primary\n"
	patchesC = "  2 updates are available for 3.4.2.\n\n      aok-endpoint-fix: Correct aok endpoint redirecting to custom uri\n          patch id:           1\n          roles affected:     router, controller\n          installed on:       none\n          to be installed on: 127.0.0.1\n\n      logs-endpoint-fix: Allow custom logs endpoint\n          patch id:           2\n          roles affected:     controller\n          installed on:       127.0.0.1\n          to be installed on: none\n"
	patchesJ = "Checking for updates...\n[{\"id\":1,\"name\":\"dea-memory-usage-reporting\",\"description\":\"...\",\"severity\":\"required\",\n  \"roles\":[\"dea\"],\"installed_on\":[],\"to_be_installed_on\":[\"10.0.0.12\"]}]\n"
)

func TestReadPatches(t *testing.T) {
	dea := als.Patch{Name: "dea-memory-usage-reporting", Severity: "required", Roles: []string{"dea"}}
	for _, tt := range []struct {
		name, out string
		count     int
		names     []string
		pending   []string
		first     als.Patch
	}{
		{"A", patchesA, 2, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, dea},
		{"B", patchesB, 2, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, dea},
		{"B with CR, colour, noise", "\x1b[33m" + strings.ReplaceAll(patchesB, "\n", "\r\nerror getting sizes\r\n") + "\x1b[0m", 2,
			[]string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, dea},
		{"B with tabs", strings.ReplaceAll(patchesB, "  ", "\t"), 2, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, []string{"dea-memory-usage-reporting", "vsphere-autoscaling-fix"}, dea},
		{"C", patchesC, 2, []string{"aok-endpoint-fix", "logs-endpoint-fix"}, []string{"aok-endpoint-fix"},
			als.Patch{Name: "aok-endpoint-fix", ID: 1, Roles: []string{"router", "controller"}, Nodes: true, MissingOn: []string{"127.0.0.1"}}},
		{"JSON", patchesJ, -1, []string{"dea-memory-usage-reporting"}, []string{"dea-memory-usage-reporting"},
			als.Patch{Name: "dea-memory-usage-reporting", ID: 1, Severity: "required", Roles: []string{"dea"}, Nodes: true, MissingOn: []string{"10.0.0.12"}}},
		{"JSON in an object", `{"patches":[{"name":"x","roles_affected":"dea, router"}]}`, -1, []string{"x"}, []string{"x"}, als.Patch{Name: "x", Roles: []string{"dea", "router"}}},
		{"JSON, empty", "[]", -1, nil, nil, als.Patch{}},
		{"none", "No updates available to be installed.\n", 0, nil, nil, als.Patch{}},
		{"none, counted", "  0 updates are available for 3.4.2.\n", 0, nil, nil, als.Patch{}},
		{"one, ungrammatical", "1 updates available to be installed.\n\nKnown updates:\n  x: Y.\n    severity: optional\n    roles affected: dea\n", 1, []string{"x"}, []string{"x"}, als.Patch{Name: "x", Severity: "optional", Roles: []string{"dea"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := als.ReadPatches([]byte(tt.out))
			if err != nil {
				t.Fatal(err)
			}
			var names, pending []string
			for _, p := range list.Patches {
				names = append(names, p.Name)
			}
			for _, p := range list.Pending() {
				pending = append(pending, p.Name)
			}
			if list.Count != tt.count || !reflect.DeepEqual(names, tt.names) || !reflect.DeepEqual(pending, tt.pending) {
				t.Errorf("got count %d, names %q, pending %q", list.Count, names, pending)
			}
			if len(list.Patches) > 0 {
				first := list.Patches[0]
				first.Description = ""
				if !reflect.DeepEqual(first, tt.first) {
					t.Errorf("first:\n got %+v\nwant %+v", first, tt.first)
				}
			}
		})
	}
}

func TestPatchMismatch(t *testing.T) {
	list, err := als.ReadPatches([]byte(strings.Replace(patchesB, "2 updates", "80 updates", 1)))
	if err != nil || list.Mismatch() != "kato counts 80 updates and lists 2" {
		t.Errorf("got %q, %v", list.Mismatch(), err)
	}
}

// An output that is no list of patches is never read as "no patches".
func TestReadPatchesRefuses(t *testing.T) {
	for name, out := range map[string]string{
		"nothing":           "",
		"blank":             "\n \n",
		"not found":         "-bash: kato: command not found\n",
		"usage":             "Usage: kato patch status [options]\n",
		"a count only":      "2 updates available to be installed.\n\nKnown updates:\n",
		"cut in the head":   patchesB[:75],
		"cut JSON":          `[{"id":1,"name":"dea-mem`,
		"other JSON":        `{"error":"no manifest"}`,
		"JSON of others":    `[{"title":"x"}]`,
		"prompt":            "helion@10.0.0.11's password: ",
		"none, but trouble": "Error: could not fetch the manifest\nNo updates available to be installed.\n",
		"ruby trace":        "/s/code/kato/lib/kato/patch.rb:12:in `status': undefined method (NoMethodError)\n",
		"hidden by OSC":     "\x1b]0;No updates available to be installed.\n",
		"binary":            "\x00\xff\xfe\x01",
	} {
		if list, err := als.ReadPatches([]byte(out)); err == nil {
			t.Errorf("%s: read as %+v", name, list)
		}
	}
}

func TestReadNodes(t *testing.T) {
	want := []als.Node{{IP: "10.0.0.10", Roles: []string{"base", "controller", "primary", "router"}}, {IP: "10.0.0.12", Roles: []string{"base", "dea"}}}
	for name, out := range map[string]string{
		"blanks":         "10.0.0.10 base controller primary router\n10.0.0.12 base dea\n",
		"out of order":   "10.0.0.12 base dea\n10.0.0.10 base controller primary router\n",
		"commas":         "10.0.0.10 base, controller, primary, router\n10.0.0.12 base,dea\n",
		"brackets":       "10.0.0.10\t[base,controller,primary,router]\r\n10.0.0.12\t[base,dea]\r\n",
		"noise":          "error getting sizes\n10.0.0.10 base controller primary router\n[info] listing\n10.0.0.12 base dea\n",
		"JSON":           `{"10.0.0.10":["base","controller","primary","router"],"10.0.0.12":["base","dea"]}`,
		"JSON, nested":   "Listing nodes...\n" + `{"nodes":{"10.0.0.10":{"roles":["base","controller","primary","router"]},"10.0.0.12":{"roles":["base","dea"]}},"mbusip":"10.0.0.10"}`,
		"JSON, array":    `[{"ip":"10.0.0.10","roles":["base","controller","primary","router"]},{"ip":"10.0.0.12","roles":["base","dea"]}]`,
		"JSON, role map": `{"10.0.0.10":{"roles":{"base":"START","controller":"START","primary":"START","router":"START"}},"10.0.0.12":{"roles":{"base":"START","dea":"START"}}}`,
	} {
		got, err := als.ReadNodes([]byte(out))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for _, out := range []string{"", "-bash: kato: command not found", "no nodes", "{}", `["x"]`, "Usage: kato node list", "10.0.0.300 base"} {
		if got, err := als.ReadNodes([]byte(out)); err == nil {
			t.Errorf("%q is read as %+v", out, got)
		}
	}
}

const statusText = "Node 10.0.0.10\n  base                RUNNING\n  controller          RUNNING\n  router              STARTING\n    router2g: FATAL\nNode 10.0.0.11\n  base                RUNNING\n  filesystem          STOPPED\n"

func TestReadStatus(t *testing.T) {
	want := als.Status{"10.0.0.10": {"base": "RUNNING", "controller": "RUNNING", "router": "STARTING"}, "10.0.0.11": {"base": "RUNNING", "filesystem": "STOPPED"}}
	for name, out := range map[string]string{
		"blocks":       statusText,
		"colour, CRLF": strings.ReplaceAll(strings.ReplaceAll(statusText, "RUNNING", "\x1b[32mrunning\x1b[0m"), "\n", "\r\n"),
		"overwritten":  strings.ReplaceAll(statusText, "  base  ", "  base FATAL\r  base  "),
		"a bell":       strings.ReplaceAll(statusText, "RUNNING", "RUN\aNING"),
		"flush left":   strings.ReplaceAll(statusText, "\n  ", "\n"),
		"bare heads":   strings.ReplaceAll(strings.ReplaceAll(statusText, "Node ", ""), "10.0.0.11", "10.0.0.11:"),
		"colons":       strings.ReplaceAll(strings.ReplaceAll(statusText, "base   ", "base : "), "controller   ", "controller: "),
		"table":        "10.0.0.10  base  RUNNING\n10.0.0.10  controller  RUNNING\n10.0.0.10  router  STARTING\nerror getting sizes\n10.0.0.11  base  RUNNING\n10.0.0.11  filesystem  STOPPED\n",
		"JSON":         `{"10.0.0.10":{"base":"RUNNING","controller":"RUNNING","router":"STARTING"},"10.0.0.11":{"base":"RUNNING","filesystem":"STOPPED"}}`,
		"JSON, deep":   `{"nodes":{"10.0.0.10":{"roles":{"base":{"state":"RUNNING"},"controller":{"state":"RUNNING"},"router":{"state":"STARTING"}}},"10.0.0.11":{"roles":{"base":{"status":"running"},"filesystem":{"state":"stopped"}}}}}`,
	} {
		got, err := als.ReadStatus([]byte(out))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for _, out := range []string{"", "Node 10.0.0.10\n", "/s/x.rb:1:in `y': z (Errno::EHOSTUNREACH)\n", "{}", "kato: command not found", "some text about nothing"} {
		if got, err := als.ReadStatus([]byte(out)); err == nil {
			t.Errorf("%q is read as %+v", out, got)
		}
	}
}

// A condition that is unknown, or given twice, is never healthy, and such a
// status is not whole.
func TestStatusDoubt(t *testing.T) {
	got, err := als.ReadStatus([]byte("Node 10.0.0.1\n  dea  WOBBLING\n  router RUNNING\n  router FATAL\n"))
	if err == nil || got.Of("10.0.0.1", "dea") != als.Unknown || got.Of("10.0.0.1", "router") != "FATAL" || got.Of("10.0.0.1", "absent") != als.Unknown {
		t.Errorf("got %+v, %v", got, err)
	}
	if als.Unknown.Healthy() {
		t.Error("unknown is healthy")
	}
}

func TestReadProcesses(t *testing.T) {
	got, err := als.ReadProcesses([]byte(`{"10.0.0.10":{"cloud_controller_ng":"RUNNING","router2g":"STARTING"},"10.0.0.12":{"dea_ng":"STOPPED","mysql_node":"ROGUE"}}`))
	if err != nil || got.Of("10.0.0.12", "mysql_node") != "ROGUE" {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = als.ReadProcesses([]byte("cloud_controller : STOPPED\nrouter2g                       RUNNING\n"))
	if err != nil || got.Of("", "router2g") != "RUNNING" || got.Of("", "cloud_controller") != "STOPPED" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadConfig(t *testing.T) {
	for out, want := range map[string]bool{"true": true, "false\n": false, "[info] reading\n! 'true'\n": true, "--- false\n...\n": false} {
		if got, err := als.ReadBool([]byte(out)); err != nil || got != want {
			t.Errorf("%q: got %v, %v", out, got, err)
		}
	}
	for _, out := range []string{"", "maybe", "true\nfalse\n", "untrue", "Usage: kato config get"} {
		if got, err := als.ReadBool([]byte(out)); err == nil {
			t.Errorf("%q is read as %v", out, got)
		}
	}
}

func TestReadVersion(t *testing.T) {
	for out, want := range map[string]string{
		"3.4.2\n": "3.4.2", "Application Lifecycle Service 1.3\n": "1.3", "1.1.0.19\n": "1.1.0.19", "error getting sizes\nv3.6.1.\n": "3.6.1", "\x1b[1m1.0\x1b[0m\n": "1.0"} {
		if got, err := als.ReadVersion([]byte(out)); err != nil || got != want {
			t.Errorf("%q: got %q, %v", out, got, err)
		}
	}
	for _, out := range []string{"", "unknown", "10.0.0.10", "-bash: kato: command not found", "/rbenv/versions/1.9.3/bin/ruby.rb:1:in `x'"} {
		if got, err := als.ReadVersion([]byte(out)); err == nil {
			t.Errorf("%q is read as %q", out, got)
		}
	}
}

func TestPrompt(t *testing.T) {
	for _, text := range []string{
		"[sudo] password for helion: ", "sudo: no tty present and no askpass program specified\n", "x\nhelion@10.0.0.11's password: ",
		"The authenticity of host ...\nAre you sure you want to continue connecting (yes/no)? ", "Enter passphrase for key '/home/helion/.ssh/id_rsa': ",
		"Are you sure you want to upgrade this cluster? [y/N] ", "Upgrade failed. Roll back? [y/N]", `If you're sure you want to continue, type "Proceed" and press ENTER: `,
		"\x1b[31mPassword:\x1b[0m",
	} {
		if got, ok := als.Prompt([]byte(text)); !ok || got == "" {
			t.Errorf("%q is no prompt", text)
		}
	}
	const question = "helion@10.0.0.11's password: "
	for end, want := range map[string]bool{"": true, "\n\na\nb\n": true, "\na\nb\nc\n": false} {
		if _, ok := als.Prompt([]byte(question + end)); ok != want {
			t.Errorf("a question, and then %q: %t", end, ok)
		}
	}
	for _, text := range []string{"", "done\n", "-----> Restarting roles\nok\n", "The password was changed.\n", "READY"} {
		if got, ok := als.Prompt([]byte(text)); ok {
			t.Errorf("%q is the prompt %q", text, got)
		}
	}
}

func FuzzReaders(f *testing.F) {
	for _, s := range []string{patchesA, patchesB, patchesC, patchesJ, statusText, "10.0.0.10 base, dea\n", `{"nodes":{"10.0.0.10":{"roles":["a"]}}}`, "! 'true'", "3.4.2", "READY", "x [y/N]",
		`{"10.0.0.10":{"base":{"state":"RUNNING"}}}`, "\x1b[31mx\r\n", "10.0.0.11  in progress (retire)\n", `[info] (1) INVOKE-ADMIN-ACTION {"command": "kato start","status": "succeeded"}`, "- a\n",
		idle + " 4712 ruby /home/helion/bin/kato data export --cluster /x.tgz\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		if list, err := als.ReadPatches(out); err == nil {
			for _, p := range list.Patches {
				checkText(t, p.Name+p.Description+p.Severity+strings.Join(p.Roles, "")+strings.Join(p.MissingOn, ""))
			}
		}
		if nodes, err := als.ReadNodes(out); err == nil && len(nodes) == 0 {
			t.Fatal("no nodes and no error")
		}
		if s, err := als.ReadStatus(out); err == nil && len(s.Nodes("")) == 0 {
			t.Fatal("no roles and no error")
		}
		if s, err := als.ReadProcesses(out); err == nil {
			for node := range s {
				checkText(t, node+strings.Join(s.Roles(node), ""))
			}
		}
		if v, err := als.ReadVersion(out); err == nil && v == "" {
			t.Fatal("no version and no error")
		}
		if text, ok := als.Prompt(out); ok {
			checkText(t, text)
		}
		if nodes, err := als.ReadUpgrade(out); err == nil {
			for _, n := range nodes {
				checkText(t, n.Node+n.State+n.Stage+n.From+n.To)
			}
		}
		history, _ := als.ReadHistory(out)
		for _, a := range history {
			checkText(t, a.When+a.Node+a.Command+a.Status)
		}
		in := als.ReadImport(out)
		checkText(t, in.Complaint+strings.Join(in.Done, "")+strings.Join(in.Failed, "")+strings.Join(in.Redeployed, "")+strings.Join(in.Lost, ""))
		if jobs, err := als.ReadJobs(out); err == nil {
			for _, j := range jobs {
				checkText(t, j.Command)
				if j.PID <= 0 || j.Command == "" {
					t.Fatalf("job %+v", j)
				}
			}
		}
		_, _ = als.ReadList(out)
		_, _ = als.ReadBool(out)
		_, _, _, findings := als.ReadSurvey(als.Results{{Key: "version", Output: out}, {Key: "nodes", Output: out}}, "")
		for _, f := range findings {
			checkText(t, f.Text)
		}
	})
}

// checkText fails on characters that must not reach a person.
func checkText(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\u200b' || r == '\u202e' {
			t.Fatalf("%q contains U+%04X", s, r)
		}
	}
}

func TestReadUpgrade(t *testing.T) {
	text := "10.0.0.12  complete  3.4.1 -> 3.4.2\n10.0.0.11  in progress (retire)\n10.0.0.10  pending\nerror getting sizes\n"
	want := []als.Progress{{Node: "10.0.0.10", State: "pending"}, {Node: "10.0.0.11", State: "in progress", Stage: "retire"}, {Node: "10.0.0.12", State: "complete", From: "3.4.1", To: "3.4.2"}}
	got, err := als.ReadUpgrade([]byte(text))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = als.ReadUpgrade([]byte(`{"10.0.0.12":{"state":"complete","from":"3.4.1","to":"3.4.2"}}`))
	if err != nil || !reflect.DeepEqual(got, want[2:]) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, none := range []string{"No upgrade in progress.\n", "{}"} {
		if got, err = als.ReadUpgrade([]byte(none)); err != nil || len(got) > 0 {
			t.Errorf("%q: got %+v, %v", none, got, err)
		}
	}
	for _, out := range []string{"", "-bash: kato: command not found", `{"error":"x"}`, `{"dea-1":{"state":"complete"}}`, `{"10.0.0.12":{"from":"3.4.1"}}`, "Usage: kato", "something else"} {
		if got, err := als.ReadUpgrade([]byte(out)); err == nil {
			t.Errorf("%q is read as %+v", out, got)
		}
	}
}

func TestReadHistory(t *testing.T) {
	for name, out := range map[string]string{
		"log":  `[info] (12339) INVOKE-ADMIN-ACTION {"command": "kato start","status": "succeeded"}` + "\n[info] (12339) noise {\n",
		"JSON": `[{"command":"kato start","status":"succeeded","time":12}]`,
	} {
		if got, err := als.ReadHistory([]byte(out)); err != nil || !reflect.DeepEqual(got, []als.Action{{Command: "kato start", Status: "succeeded"}}) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got, err := als.ReadHistory([]byte("nothing\n")); err == nil {
		t.Errorf("got %+v", got)
	}
	if got, err := als.ReadHistory([]byte("[]\n")); err != nil || len(got) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadList(t *testing.T) {
	got, err := als.ReadList([]byte("---\n- ! 'a@example.com'\n- b@example.com\r\n"))
	if err != nil || !reflect.DeepEqual(got, []string{"a@example.com", "b@example.com"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err = als.ReadList([]byte("--- []\n")); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
	for _, out := range []string{"", "x", "Error: no such key"} {
		if got, err := als.ReadList([]byte(out)); err == nil {
			t.Errorf("%q is read as %q", out, got)
		}
	}
}

// A name with a character that nobody sees is not that name.
func TestADisguisedNameIsNotRead(t *testing.T) {
	t.Parallel()
	for _, disguise := range []string{"rou\u200bter", "rou\u00adter", "rou\xffter", "\u202erouter"} {
		status, err := als.ReadStatus([]byte("Node 10.0.0.10\n  " + disguise + "   RUNNING\n"))
		if err == nil || status.Of("10.0.0.10", "router").Healthy() {
			t.Errorf("%q: %v, %v", disguise, status, err)
		}
	}
}
