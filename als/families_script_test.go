package als_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"alsbot/als"
)

// The scripts of the support family run on this machine.
func TestSupportScripts(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			logs := filepath.Join(home, "helion", "logs")
			must(t, os.MkdirAll(logs, 0o755))
			must(t, os.WriteFile(filepath.Join(logs, "kato.log"), []byte("started\npassword: hunter2\nurl mysql://u:s3cret@host/db\n\"license_key\": \"abc\"\n{:token=>\"xyz\"}\n"), 0o600))
			req, op := asked(t, "logs kato")
			plan, err := op.Plan(req, testCluster(), nil)
			must(t, err)
			r := run(t, shell, plan.Steps[0])
			if v := op.Judge(req, testCluster(), plan, als.Results{r}); v.Outcome != als.Succeeded {
				t.Errorf("%s: %s", v.Summary, r.Output)
			}
			for _, secret := range []string{"hunter2", "s3cret", "abc", "xyz"} {
				if strings.Contains(string(r.Output), secret) {
					t.Errorf("%s is shown:\n%s", secret, r.Output)
				}
			}
			if !strings.Contains(string(r.Output), "started") {
				t.Errorf("no log: %s", r.Output)
			}
			req, op = asked(t, "logs nosuch")
			plan, err = op.Plan(req, testCluster(), nil)
			must(t, err)
			if v := op.Judge(req, testCluster(), plan, als.Results{run(t, shell, plan.Steps[0])}); v.Outcome != als.Failed || v.Next.Text == "" {
				t.Errorf("got %s %s", v.Outcome, v.Summary)
			}
			must(t, os.Remove(filepath.Join(logs, "kato.log")))
			if v := op.Judge(req, testCluster(), plan, als.Results{run(t, shell, plan.Steps[0])}); !strings.HasSuffix(v.Summary, "/logs.") {
				t.Errorf("without any log: %s", v.Summary)
			}
			reportScript(t, shell, home)
		})
	}
}

// reportScript runs `report` with a kato that writes the report, with one that
// only says so, and with one that fails.
func reportScript(t *testing.T, shell []string, home string) {
	t.Helper()
	file := filepath.Join(home, "report.tgz")
	must(t, os.WriteFile(file+".made", archive(t, 1), 0o600))
	kato := filepath.Join(home, "kato")
	c := testCluster()
	c.Kato = kato
	for _, tt := range []struct {
		script  string
		outcome als.Outcome
	}{
		{"#!/bin/sh\ncp " + file + ".made " + file + "\necho written to " + file + "\n", als.Succeeded},
		{"#!/bin/sh\nrm -f " + file + "\necho written to " + file + "\n", als.Failed},
		{"#!/bin/sh\necho Error: no room\nexit 1\n", als.Failed},
	} {
		must(t, os.WriteFile(kato, []byte(tt.script), 0o700))
		req, op := asked(t, "report")
		plan, err := op.Plan(req, c, nil)
		must(t, err)
		r := run(t, shell, plan.Steps[0])
		v := op.Judge(req, c, plan, als.Results{r})
		if v.Outcome != tt.outcome || tt.outcome == als.Succeeded && !strings.Contains(v.Summary, "The report is "+file+" on the core") {
			t.Errorf("got %s: %s\n%s", v.Outcome, v.Summary, r.Output)
		}
	}
}

// The script measures the first directory that exists, also behind a link.
func TestDataScript(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	must(t, os.Mkdir(data, 0o755))
	must(t, os.Mkdir(filepath.Join(data, "lost+found"), 0o755))
	must(t, os.WriteFile(filepath.Join(data, "db"), make([]byte, 300000), 0o600))
	must(t, os.Symlink(data, filepath.Join(dir, "link")))
	real, err := filepath.EvalSymlinks(data)
	must(t, err)
	req, op := asked(t, "relocate services /mnt/ebs/services")
	steps, err := op.Checks(req, testCluster())
	must(t, err)
	look := steps[slices.IndexFunc(steps, func(s als.Step) bool { return s.Key == "data" })]
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				places []string
				want   []string
			}{
				{[]string{data}, []string{"place=1\n", "real=" + real + "\n", "entries=1\n"}},
				{[]string{dir + "/none", dir + "/link"}, []string{"place=2\n", "real=" + real + "\n", "entries=1\n"}},
				{[]string{dir + "/none"}, []string{"place=none\n"}},
			} {
				step := look
				step.Argv = append(slices.Clone(look.Argv[:4]), tt.places...)
				out := string(run(t, shell, step).Output)
				for _, want := range tt.want {
					if !strings.Contains(out, want) {
						t.Errorf("%v: no %q in:\n%s", tt.places, want, out)
					}
				}
				_, size, found := strings.Cut(out, "bytes=")
				n, _ := strconv.Atoi(strings.TrimSpace(size))
				if strings.Contains(out, "entries=") && (!found || n < 300000 || n > 600000) {
					t.Errorf("%v: the size is %q:\n%s", tt.places, size, out)
				}
			}
		})
	}
}

// The probes of the other families run on this machine.
func TestLookScripts(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "b.tgz"), archive(t, 2), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "cut.tgz"), archive(t, 2)[:400], 0o600))
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for text, want := range map[string]string{
				"import cluster " + dir + "/b.tgz":   "files=2\ntar=0\n",
				"import cluster " + dir + "/cut.tgz": "state=damaged",
				"import cluster " + dir + "/no.tgz":  "state=missing",
				"relocate services " + dir:           "state=writable\nentries=2\n",
				"relocate services " + dir + "/none": "state=missing",
				"upgrade node":                       "memory=",
			} {
				req, op := asked(t, text)
				steps, err := op.Checks(req, testCluster())
				must(t, err)
				all := ""
				for _, s := range steps {
					if s.Argv[0] == "sh" && s.Key != "ssh" { // there is nobody to reach
						all += string(run(t, shell, s).Output)
					}
				}
				if !strings.Contains(all, want) {
					t.Errorf("%s: want %q in:\n%s", text, want, all)
				}
			}
		})
	}
}
