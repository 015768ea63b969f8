package als_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/als"
)

// stored writes an archive of a run to dir and returns its record.
func stored(t *testing.T, dir, run string, at time.Time) als.Archive {
	t.Helper()
	a := taken(at)
	data := archive(t, 2)
	sum := sha256.Sum256(data)
	a.Run, a.Node, a.Path, a.Size, a.SHA256 = run, "10.0.0.11", filepath.Join(dir, filepath.Base(a.Path)), int64(len(data)), hex.EncodeToString(sum[:])
	must(t, os.WriteFile(a.Path, data, 0o600))
	return a
}

func keeping(dir string, archives ...als.Archive) als.Cluster {
	c := testCluster()
	c.Asked = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c.BackupDir, c.Keep, c.History.Archives = dir, als.Keep{Daily: 1}, archives
	return c
}

func garble(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	data[len(data)/2] ^= 0x10
	must(t, os.WriteFile(file, data, 0o600))
}

var (
	yesterday = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	today     = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
)

func TestBackupsVerify(t *testing.T) {
	for name, shell := range shells(t) {
		for _, tt := range []struct {
			name, seen, want string
			change           func(t *testing.T, file string)
		}{
			{"sound", als.Sound, "Sound: ", func(*testing.T, string) {}},
			{"gone", als.Missing, "Gone: ", func(t *testing.T, file string) { must(t, os.Remove(file)) }},
			{"a bit flipped", als.Damaged, "Damaged: ", garble},
			{"cut", als.Damaged, "Damaged: ", func(t *testing.T, file string) { must(t, os.Truncate(file, 100)) }},
			{"another archive", als.Altered, "Altered: ", func(t *testing.T, file string) { must(t, os.WriteFile(file, archive(t, 2), 0o600)) }},
			{"a directory", als.Altered, "not a regular file", func(t *testing.T, file string) { must(t, os.Remove(file)); plant(t, "directory", file) }},
			{"a fifo", als.Altered, "not a regular file", func(t *testing.T, file string) { must(t, os.Remove(file)); plant(t, "fifo", file) }},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				a := stored(t, t.TempDir(), "abc", today)
				tt.change(t, a.Path)
				_, v := perform(t, shell, keeping(filepath.Dir(a.Path), a), "backups verify abc")
				if len(v.Archives) != 1 || v.Archives[0].Run != "abc" || v.Archives[0].Seen != tt.seen || !strings.Contains(v.Summary, tt.want) || (v.Outcome == als.Succeeded) != (tt.seen == als.Sound) {
					t.Errorf("got %s %+v: %s", v.Outcome, v.Archives, v.Summary)
				}
			})
		}
	}
}

// perform runs a command whose steps are all scripts, from its words to its
// verdict.
func perform(t *testing.T, shell []string, c als.Cluster, text string) (als.Plan, als.Verdict) {
	t.Helper()
	return between(t, shell, c, text, func() {})
}

func TestBackupsPrune(t *testing.T) {
	for name, shell := range shells(t) {
		for _, tt := range []struct {
			name   string
			goes   bool
			want   string
			change func(t *testing.T, c *als.Cluster, old, last string) // between the plan and the removal
		}{
			{"what is as it was", true, "Removed 1 archive", nil},
			{"gone meanwhile", true, "Removed 1 archive", func(t *testing.T, _ *als.Cluster, old, _ string) { must(t, os.Remove(old)) }},
			{"a bit flipped", false, "not what it was", func(t *testing.T, _ *als.Cluster, old, _ string) { garble(t, old) }},
			{"a symbolic link", false, "not what it was", func(t *testing.T, _ *als.Cluster, old, _ string) {
				must(t, os.Rename(old, old+".away"))
				must(t, os.Symlink(old+".away", old))
			}},
			{"the last one has gone", false, "which has to stay, is not as it was", func(t *testing.T, _ *als.Cluster, _, last string) { must(t, os.Remove(last)) }},
			{"the last one was cut", false, "which has to stay, is not as it was", func(t *testing.T, _ *als.Cluster, _, last string) { must(t, os.Truncate(last, 3)) }},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				c := keeping(dir, stored(t, dir, "old", yesterday), stored(t, dir, "last", today))
				old, last := c.History.Archives[0].Path, c.History.Archives[1].Path
				plan, v := between(t, shell, c, "backups prune", func() {
					if tt.change != nil {
						tt.change(t, &c, old, last)
					}
				})
				if len(plan.Steps) != 1 || strings.Contains(fmt.Sprint(plan.Facts), "last.tgz") {
					t.Fatalf("the plan: %+v", plan)
				}
				_, err := os.Lstat(old)
				if os.IsNotExist(err) != tt.goes || !strings.Contains(v.Summary+v.Report, tt.want) || (v.Outcome == als.Succeeded) != tt.goes {
					t.Errorf("the old one: %v; %s: %s\n%s", err, v.Outcome, v.Summary, v.Report)
				}
				if gone := len(v.Archives) == 1 && v.Archives[0].Run == "old" && v.Archives[0].Gone != ""; gone != tt.goes {
					t.Errorf("news: %+v", v.Archives)
				}
				if _, err := os.Lstat(last); err != nil && !strings.HasPrefix(tt.name, "the last") {
					t.Errorf("the last verified one: %v", err)
				}
			})
		}
	}
}

// between is like perform, and calls meanwhile after the plan was made.
func between(t *testing.T, shell []string, c als.Cluster, text string, meanwhile func()) (als.Plan, als.Verdict) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	var checks []als.Step
	if op.Checks != nil {
		checks, err = op.Checks(req, c)
		must(t, err)
	}
	var rs als.Results
	for _, s := range checks {
		rs = append(rs, run(t, shell, s))
	}
	plan, err := op.Plan(req, c, rs)
	must(t, err)
	if plan.Nothing != "" {
		return plan, als.Verdict{}
	}
	meanwhile()
	for _, s := range append(append([]als.Step{}, plan.Steps...), plan.Verify...) {
		rs = append(rs, run(t, shell, s))
	}
	return plan, op.Judge(req, c, plan, rs)
}

// An archive outside the backup directory stays, even if the directory changed
// after the plan was made.
func TestBackupsPruneElsewhere(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, other, link := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "link")
			c := keeping(dir, stored(t, other, "old", yesterday), stored(t, dir, "last", today))
			if plan, _ := perform(t, shell, c, "backups prune"); plan.Nothing == "" || len(plan.Steps) > 0 {
				t.Errorf("it removes: %+v", plan.Steps)
			}
			c.History.Archives[1] = stored(t, other, "last", today)
			must(t, os.Symlink(other, link))
			c.BackupDir = link
			_, v := between(t, shell, c, "backups prune", func() {
				must(t, os.Remove(link))
				must(t, os.Symlink(dir, link))
			})
			if _, err := os.Stat(c.History.Archives[0].Path); err != nil || v.Outcome != als.Failed || !strings.Contains(v.Report, "not in the backup directory") {
				t.Errorf("%v; %s: %s\n%s", err, v.Outcome, v.Summary, v.Report)
			}
			must(t, os.Remove(link))
			must(t, os.Symlink(other, link))
			if _, v = perform(t, shell, c, "backups prune"); v.Outcome != als.Succeeded {
				t.Errorf("%s: %s\n%s", v.Outcome, v.Summary, v.Report)
			}
		})
	}
}

// Nothing is removed from a node that does not answer, and its archives do not
// replace those of other nodes.
func TestBackupsPruneUnknown(t *testing.T) {
	dir := t.TempDir()
	c := keeping(dir, stored(t, dir, "old", yesterday), stored(t, dir, "last", today))
	c.History.Archives[1].Node = "10.0.0.12"
	op, _ := als.Operations.Find("backups prune")
	steps, err := op.Checks(als.Request{Operation: "backups prune"}, c)
	must(t, err)
	var rs als.Results
	for _, s := range steps {
		if s.Node == "10.0.0.12" {
			rs = append(rs, als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Trouble: "unreachable"})
			continue
		}
		rs = append(rs, run(t, []string{"/bin/sh"}, s))
	}
	plan, err := op.Plan(als.Request{Operation: "backups prune"}, c, rs)
	must(t, err)
	if plan.Nothing == "" || len(plan.Steps) > 0 {
		t.Errorf("it removes: %+v", plan.Steps)
	}
}

func TestBackupsSend(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := stored(t, t.TempDir(), "abc", today)
			data, err := os.ReadFile(a.Path)
			must(t, err)
			c := keeping(filepath.Dir(a.Path), a)
			c.Fetch = als.Host{Dir: "/var/backups", Free: 1 << 40}
			op, _ := als.Operations.Find("backups fetch")
			req := als.Request{Operation: "backups fetch", Args: []string{"abc"}}
			checks, err := op.Checks(req, c)
			must(t, err)
			plan, err := op.Plan(req, c, als.Results{run(t, shell, checks[0])})
			must(t, err)
			step := plan.Steps[0]
			send := func(from int) als.Result {
				s := step
				s.Argv = append(append([]string{}, s.Argv...), fmt.Sprint(from))
				return run(t, shell, s)
			}
			for _, from := range []int{1, 2, len(data) / 2, len(data), len(data) + 1} {
				if r := send(from); !r.OK() || string(r.Output) != string(data[from-1:]) {
					t.Errorf("from byte %d: status %d, %d bytes of %d", from, r.Exit, len(r.Output), len(data)-from+1)
				}
			}
			must(t, os.Truncate(a.Path, 10))
			if r := send(1); r.Exit != 45 || len(r.Output) > 0 {
				t.Errorf("a cut archive: %+v", r)
			}
			must(t, os.Remove(a.Path))
			if r := send(1); r.Exit != 44 || len(r.Output) > 0 {
				t.Errorf("no archive: %+v", r)
			}
			must(t, os.Symlink("/etc/passwd", a.Path))
			if r := send(1); r.Exit != 45 || len(r.Output) > 0 {
				t.Errorf("a link: %+v", r)
			}
		})
	}
}

// These findings stop a fetch before it begins.
func TestBackupsFetchStops(t *testing.T) {
	a := stored(t, t.TempDir(), "abc", today)
	for _, tt := range []struct {
		name, want string
		change     func(c *als.Cluster)
	}{
		{"not configured", "not configured where", func(c *als.Cluster) { c.Fetch.Dir = "" }},
		{"no room", "is free in /var/backups on alsbot's host", func(c *als.Cluster) { c.Fetch.Free = als.SpareRoom }},
		{"another size", "is not what run abc has made", func(c *als.Cluster) { c.History.Archives[0].Size++ }},
		{"no such archive", "no archive of @prod is known by the ID abc", func(c *als.Cluster) { c.History.Archives = nil }},
		{"removed", "removed by retention", func(c *als.Cluster) { c.History.Archives[0].Gone = "removed by retention" }},
		{"an early version's", "an early version of alsbot", func(c *als.Cluster) { c.History.Archives[0].Node = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := keeping(filepath.Dir(a.Path), a)
			c.Fetch = als.Host{Dir: "/var/backups", Free: 1 << 40}
			tt.change(&c)
			op, _ := als.Operations.Find("backups fetch")
			req := als.Request{Operation: "backups fetch", Args: []string{"abc"}}
			var said string
			checks, err := op.Checks(req, c)
			if err == nil {
				var plan als.Plan
				plan, err = op.Plan(req, c, als.Results{run(t, []string{"/bin/sh"}, checks[0])})
				if f, stopped := plan.Stopped(); stopped && len(plan.Steps) == 0 {
					said = f.Text
				}
			}
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, tt.want) {
				t.Errorf("it says %q", said)
			}
		})
	}
	c := keeping(filepath.Dir(a.Path), a)
	c.Fetch = als.Host{Dir: "/var/backups", Free: als.SpareRoom, Parts: map[string]int64{filepath.Base(a.Path): a.Size}}
	if plan, _ := fetchPlan(t, c); len(plan.Findings) > 0 {
		t.Errorf("what has come already needs no room: %+v", plan.Findings)
	}
}

func fetchPlan(t *testing.T, c als.Cluster) (als.Plan, error) {
	t.Helper()
	op, _ := als.Operations.Find("backups fetch")
	req := als.Request{Operation: "backups fetch", Args: []string{"abc"}}
	checks, err := op.Checks(req, c)
	must(t, err)
	return op.Plan(req, c, als.Results{run(t, []string{"/bin/sh"}, checks[0])})
}
