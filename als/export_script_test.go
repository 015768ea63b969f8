package als_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/als"
)

// shells returns the shells that a node may have as /bin/sh, and busybox as the
// strictest one. For a shell that is not installed it skips a test, which CI
// does not accept.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{"sh": {"/bin/sh"}}
	for _, name := range []string{"dash", "bash", "mksh", "busybox"} {
		path, err := exec.LookPath(name)
		switch {
		case err != nil:
			t.Run(name, func(t *testing.T) { t.Skipf("%s is not installed: scripts/setup installs it", name) })
		case name == "busybox":
			found[name] = []string{path, "sh"}
		default:
			found[name] = []string{path}
		}
	}
	return found
}

// run runs a step as a node would, with another shell instead of sh.
func run(t *testing.T, shell []string, s als.Step) als.Result {
	t.Helper()
	if s.Argv[0] == "ps" { // this machine's processes are not the test's business
		return als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: []byte(idle)}
	}
	if s.Argv[0] != "sh" {
		t.Fatalf("%s is no script: %q", s.Name, s.Argv)
	}
	argv := append(append([]string{}, shell...), s.Command()[1:]...)
	cmd := exec.Command(argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Exit: cmd.ProcessState.ExitCode(), Output: out}
}

// archive returns a .tgz with n files of random bytes, and a directory.
func archive(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	must(t, w.WriteHeader(&tar.Header{Name: "export/", Typeflag: tar.TypeDir, Mode: 0o755}))
	must(t, w.WriteHeader(&tar.Header{Name: "export/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}))
	for i := range n {
		data := make([]byte, 4096)
		_, err := rand.Read(data)
		must(t, err)
		must(t, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("export/f%d\nend 1", i), Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(data))}))
		_, err = w.Write(data)
		must(t, err)
	}
	must(t, w.Close())
	must(t, z.Close())
	return b.Bytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testCluster has the filesystem role on 10.0.0.11.
func testCluster() als.Cluster {
	return als.Cluster{
		Name: "prod", Kato: "kato", Generation: als.ALS11, Version: "3.4.2", Run: "k3v9t2", Asked: time.Date(2026, 11, 23, 4, 0, 0, 0, time.FixedZone("", 3600)),
		Config: "/etc/alsbot/config.yaml", Socket: "/run/alsbot/alsbot.sock",
		Nodes: []als.Node{
			{IP: "10.0.0.10", Roles: []string{"base", "controller", "primary", "router"}},
			{IP: "10.0.0.11", Roles: []string{"base", "filesystem", "mysql", "postgresql", "redis"}},
			{IP: "10.0.0.12", Roles: []string{"base", "dea"}},
			{IP: "10.0.0.13", Roles: []string{"base", "dea"}},
		},
	}
}

// export runs a whole export as the engine would. kato writes the temporary
// archive.
func export(t *testing.T, shell []string, c als.Cluster, text string, kato func(temp string)) (als.Plan, als.Verdict) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	must(t, err)
	op, _ := als.Operations.Find(req.Operation)
	checks, err := op.Checks(req, c)
	must(t, err)
	var rs als.Results
	for _, s := range checks {
		if s.Key == "ssh" { // there is nobody to reach
			rs = append(rs, als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: []byte("bad=\n")})
			continue
		}
		rs = append(rs, run(t, shell, s))
	}
	plan, err := op.Plan(req, c, rs)
	must(t, err)
	if _, stopped := plan.Stopped(); stopped {
		return plan, als.Verdict{}
	}
	again, err := op.Plan(req, c, rs)
	must(t, err)
	if plan.Digest() != again.Digest() {
		t.Error("the digest changes when nothing has changed")
	}
	failed := false
	for _, s := range plan.Steps {
		switch {
		case failed && !s.Always:
		case s.Argv[0] == "kato":
			kato(s.Argv[len(s.Argv)-1])
			rs = append(rs, als.Result{Key: s.Key, Step: s.Name, Node: s.Node})
		default:
			r := run(t, shell, op.Weighed(req, c, plan, rs, s))
			rs = append(rs, r)
			failed = failed || !r.OK() && !s.Tolerate
		}
	}
	for _, s := range plan.Verify {
		rs = append(rs, run(t, shell, s))
	}
	return plan, op.Judge(req, c, plan, rs)
}

func TestExportReadBack(t *testing.T) {
	cases := exportCases(t)
	for name, shell := range shells(t) {
		for _, tt := range cases {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				tt.run(t, shell)
			})
		}
	}
}

// exportCase is an archive that kato may leave, and the verdict on it.
type exportCase struct {
	name    string
	left    []byte // what kato leaves; nil: nothing
	sizes   []int64
	verdict string
	why     string
}

func exportCases(t *testing.T) []exportCase {
	good := archive(t, 3)
	garbled := bytes.Clone(good)
	garbled[len(garbled)/2] ^= 0x10
	notTar := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(bytes.Repeat([]byte("no tar\n"), 1000))
		_ = z.Close()
		return b.Bytes()
	}()
	bomb := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		zeros := make([]byte, 96<<20)
		must(t, w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(zeros))}))
		_, err := w.Write(zeros)
		must(t, errors.Join(err, w.Close(), z.Close()))
		return b.Bytes()
	}()
	return []exportCase{
		{name: "verified", left: good, verdict: "verified"},
		{name: "verified beside earlier ones", left: good, sizes: []int64{int64(len(good)), 1, 1 << 40}, verdict: "verified"},
		{name: "no archive", verdict: "failed", why: "the export left no archive"},
		{name: "empty", left: []byte{}, verdict: "failed", why: "the archive is empty"},
		{name: "cut by a byte", left: good[:len(good)-1], verdict: "failed", why: "gzip cannot read"},
		{name: "cut in half", left: good[:len(good)/2], verdict: "failed", why: "gzip cannot read"},
		{name: "a bit flipped", left: garbled, verdict: "failed", why: "gzip cannot read"},
		{name: "no tar", left: notTar, verdict: "failed", why: "tar cannot read"},
		{name: "no file in it", left: archive(t, 0), verdict: "suspect", why: "it holds no file"},
		{name: "a bomb", left: bomb, verdict: "suspect", why: "more than 200 times its size"},
		{name: "small", left: good, sizes: []int64{3 * int64(len(good)), 3 * int64(len(good)), 1}, verdict: "suspect", why: "half the median"},
	}
}

func (tt exportCase) run(t *testing.T, shell []string) {
	dir := t.TempDir()
	target := filepath.Join(dir, "helion-backup.tgz")
	must(t, os.WriteFile(target, []byte("the last good one"), 0o600))
	c := testCluster()
	c.History.Sizes = tt.sizes
	if len(tt.sizes) > 1 && tt.sizes[0] > 1<<39 {
		t.Fatal("the space check would stop it")
	}
	_, v := export(t, shell, c, "export cluster "+target, func(temp string) {
		if filepath.Dir(filepath.Dir(temp)) != dir || temp == target {
			t.Errorf("kato writes to %s", temp)
		}
		if tt.left != nil {
			must(t, os.WriteFile(temp, tt.left, 0o600))
		}
	})
	if v.Archives[0].Verdict != tt.verdict || !strings.Contains(v.Summary, tt.why) || (v.Outcome == als.Succeeded) != (tt.verdict == "verified") {
		t.Fatalf("got %s %q: %s", v.Outcome, v.Archives[0].Verdict, v.Summary)
	}
	want, names := []byte("the last good one"), []string{"helion-backup.tgz"}
	switch tt.verdict {
	case "verified":
		want = tt.left
		sum := sha256.Sum256(tt.left)
		if hexed := hex.EncodeToString(sum[:]); v.Archives[0].SHA256 != hexed || !strings.Contains(v.Report, hexed) || v.Archives[0].Path != target || v.Archives[0].Size != int64(len(tt.left)) || v.Data.Files != "3" {
			t.Errorf("archive %+v, %s files, report:\n%s", v.Archives[0], v.Data.Files, v.Report)
		}
	case "suspect":
		names = append(names, "helion-backup.suspect.tgz")
	}
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the target has %d bytes, %v", len(got), err)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != len(names) {
		t.Errorf("left behind: %v", entries)
	}
}

// Something else may replace the target while kato works.
func TestExportTargetChanges(t *testing.T) {
	good := archive(t, 1)
	for name, shell := range shells(t) {
		for _, what := range []string{"directory", "symlink", "fifo"} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				target := filepath.Join(dir, "b.tgz")
				_, v := export(t, shell, testCluster(), "export cluster "+target, func(temp string) {
					must(t, os.WriteFile(temp, good, 0o600))
					plant(t, what, target)
				})
				if v.Outcome != als.Failed || !strings.Contains(v.Summary, "not a regular file") {
					t.Errorf("got %s: %s", v.Outcome, v.Summary)
				}
				if fi, err := os.Lstat(target); err != nil || fi.Mode().IsRegular() {
					t.Errorf("the target was replaced: %v, %v", fi, err)
				}
			})
		}
	}
}

func plant(t *testing.T, what, path string) {
	t.Helper()
	switch what {
	case "directory":
		must(t, os.Mkdir(path, 0o755))
	case "symlink":
		must(t, os.Symlink(filepath.Join(filepath.Dir(path), "elsewhere"), path))
	case "fifo":
		must(t, syscall.Mkfifo(path, 0o600))
	case "file":
		must(t, os.WriteFile(path, []byte("x"), 0o600))
	}
}

// What the probe of the target finds stops the export before it begins.
func TestExportStops(t *testing.T) {
	for name, shell := range shells(t) {
		for _, tt := range []struct {
			name, file, want string
			make             func(t *testing.T, dir string)
			sizes            []int64
		}{
			{name: "missing directory", file: "no/b.tgz", want: "there is no directory"},
			{name: "directory", file: "b.tgz", want: "not a regular file", make: func(t *testing.T, dir string) { plant(t, "directory", dir+"/b.tgz") }},
			{name: "symlink", file: "b.tgz", want: "not a regular file", make: func(t *testing.T, dir string) { plant(t, "symlink", dir+"/b.tgz") }},
			{name: "fifo", file: "b.tgz", want: "not a regular file", make: func(t *testing.T, dir string) { plant(t, "fifo", dir+"/b.tgz") }},
			{name: "temporary name taken", file: "b.tgz", want: "temporary name", make: func(t *testing.T, dir string) { plant(t, "symlink", dir+"/.alsbot-k3v9t2") }},
			{name: "into the system by a link", file: "link/b.tgz", want: "belongs to the node's own system (/usr)", make: func(t *testing.T, dir string) {
				must(t, os.Symlink("/usr/share", dir+"/link"))
			}},
			{name: "full", file: "b.tgz", want: "the last archive had", sizes: []int64{1 << 60}},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if tt.make != nil {
					tt.make(t, dir)
				}
				c := testCluster()
				c.History.Sizes = tt.sizes
				plan, _ := export(t, shell, c, "export cluster "+dir+"/"+tt.file, func(string) { t.Error("kato was run") })
				f, stopped := plan.Stopped()
				if !stopped || !strings.Contains(f.Text, tt.want) || f.Fix.Text == "" || len(plan.Steps) > 0 {
					t.Errorf("got %+v, %d steps", plan.Findings, len(plan.Steps))
				}
			})
		}
	}
}

func TestExportSystemDirectories(t *testing.T) {
	op, _ := als.Operations.Find("export cluster")
	for _, dir := range []string{"", "/etc", "/etc/cron.d", "/usr/local", "/bin", "/boot", "/proc", "/sys", "/dev", "/dev/shm", "/lib", "/sbin", "/root", "/var/spool/cron"} {
		_, err := op.Checks(als.Request{Operation: "export cluster", Args: []string{dir + "/x.tgz"}}, testCluster())
		if err == nil || !strings.Contains(err.Error(), "own system") {
			t.Errorf("%s/x.tgz: %v", dir, err)
		}
	}
	for _, dir := range []string{"/mnt", "/mnt/nas", "/home/helion", "/var/helion", "/backup", "/etcetera"} {
		if _, err := op.Checks(als.Request{Operation: "export cluster", Args: []string{dir + "/x.tgz"}}, testCluster()); err != nil {
			t.Errorf("%s/x.tgz: %v", dir, err)
		}
	}
}

// Without FILE the archive goes to the backup directory, or else to the home
// directory.
func TestExportDefaultName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	plan, v := export(t, []string{"/bin/sh"}, testCluster(), "export cluster", func(temp string) { must(t, os.WriteFile(temp, archive(t, 1), 0o600)) })
	want := filepath.Join(dir, "helion-export-prod-20261123T030000Z.tgz")
	if v.Outcome != als.Succeeded || v.Archives[0].Path != want || plan.Steps[0].Node != "10.0.0.11" {
		t.Errorf("got %s, %v, on %s", v.Summary, v.Archives, plan.Steps[0].Node)
	}
	if argv := strings.Join(plan.Steps[1].Argv[:4], " "); argv != "kato data export --cluster" {
		t.Errorf("argv %q", argv)
	}
	backups := t.TempDir()
	c := testCluster()
	c.BackupDir = backups
	if _, v = export(t, []string{"/bin/sh"}, c, "export node --node 10.0.0.12", func(temp string) { must(t, os.WriteFile(temp, archive(t, 1), 0o600)) }); filepath.Dir(v.Archives[0].Path) != backups {
		t.Errorf("got %v", v.Archives)
	}
}

// Two exports that were requested in the same second get different names.
func TestExportsOfOneSecond(t *testing.T) {
	c := testCluster()
	c.BackupDir = t.TempDir()
	good := archive(t, 3)
	var paths []string
	for _, run := range []string{"k3v9t2", "k3v9t3"} {
		c.Run = run
		_, v := export(t, []string{"sh"}, c, "export cluster", func(temp string) { must(t, os.WriteFile(temp, good, 0o600)) })
		if v.Outcome != als.Succeeded || !als.OwnName(filepath.Base(v.Archives[0].Path)) {
			t.Fatalf("%+v", v)
		}
		paths = append(paths, v.Archives[0].Path)
	}
	if paths[0] == paths[1] {
		t.Errorf("both stand at %s", paths[0])
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}
