package als_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/als"
)

// holding returns a .tgz with a file for each path.
func holding(t *testing.T, paths ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, p := range paths {
		data := make([]byte, 3000)
		_, err := rand.Read(data)
		must(t, err)
		must(t, w.WriteHeader(&tar.Header{Name: p, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(data))}))
		_, err = w.Write(data)
		must(t, err)
	}
	must(t, errors.Join(w.Close(), z.Close()))
	return b.Bytes()
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	must(t, errors.Join(err, z.Close()))
	return b.Bytes()
}

func tarIn(t *testing.T, archive []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	data, err := io.ReadAll(z)
	must(t, err)
	return data
}

// What can be read, and yet is not whole or has more behind its end, is no
// archive: it fails, and each kind says why.
func TestExportEndsOfArchives(t *testing.T) {
	good := holding(t, "export/main-db.sql", "export/mysql/a", "export/redis/b")
	whole := tarIn(t, good)
	end := len(whole) - 1024 // Go's tar ends with the two blocks
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, shell := range shells(t) {
		for _, tt := range []struct {
			name, want string
			left       []byte
		}{
			{"whole", "", packed(t, whole)},
			{"zeros after the end", "", packed(t, join(whole, make([]byte, 9000)))},
			{"no zero block", "without its two blocks of zeros", packed(t, whole[:end])},
			{"ends between two members", "without its two blocks of zeros", packed(t, whole[:3584])},
			{"one zero block", "without its two blocks of zeros", packed(t, whole[:end+512])},
			{"a byte after the tar", "something follows the end of the tar", packed(t, join(whole, []byte{1}))},
			{"a line break after the tar", "something follows the end of the tar", packed(t, join(whole, []byte("\n")))},
			{"a tar after the tar", "something follows the end of the tar", packed(t, join(whole, whole))},
			{"one zero block, and more", "something follows the end of the tar", packed(t, join(whole[:end+512], whole))},
			{"bytes after the gzip", "something follows the end of the gzip", join(good, []byte("more"))},
			{"zeros after the gzip", "something follows the end of the gzip", join(good, make([]byte, 512))},
			{"a gzip after the gzip", "something follows the end of the gzip", join(good, good)},
			{"an empty gzip after the gzip", "something follows the end of the gzip", join(good, packed(t, nil))},
			{"a tar in two gzips", "something follows the end of the gzip", join(packed(t, whole[:3000]), packed(t, whole[3000:]))},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				_, v := export(t, shell, testCluster(), "export cluster "+dir+"/b.tgz", func(temp string) { must(t, os.WriteFile(temp, tt.left, 0o600)) })
				if (v.Outcome == als.Succeeded) != (tt.want == "") || !strings.Contains(v.Summary, tt.want) {
					t.Errorf("got %s: %s", v.Outcome, v.Summary)
				}
				if left, err := os.ReadDir(dir); err != nil || (len(left) == 1) != (tt.want == "") {
					t.Errorf("left: %v, %v", left, err)
				}
				importRefuses(t, shell, filepath.Join(t.TempDir(), "b.tgz"), tt.left, tt.want)
			})
		}
	}
}

// importRefuses checks that an import refuses the archive for the same reason.
func importRefuses(t *testing.T, shell []string, file string, data []byte, want string) {
	t.Helper()
	must(t, os.WriteFile(file, data, 0o600))
	req, op := asked(t, "import cluster "+file)
	checks, err := op.Checks(req, testCluster())
	must(t, err)
	plan, err := op.Plan(req, testCluster(), als.Results{run(t, shell, checks[0])})
	must(t, err)
	said := ""
	for _, f := range plan.Findings {
		said += f.Text + "\n"
	}
	if want != "" && !strings.Contains(said, want) || want == "" && strings.Contains(said, "is damaged") {
		t.Errorf("the import says %q", said)
	}
}

// earlier returns the record of an archive that is like one that has just been
// made.
func earlier(run string, like als.Archive) als.Archive {
	like.Run, like.Operation, like.Cluster, like.SHA256 = run, "export cluster", "prod", hex.EncodeToString(bytes.Repeat([]byte(run[:1]), 32))
	return like
}

// What is whole and not what it should be is kept as suspect, and says why.
func TestExportSuspects(t *testing.T) {
	parts := []string{"export/main-db.sql", "export/mysql/d1", "export/mysql/d2", "export/redis/b", "export-20261122/8f14e45f-ceea-467d-9b3c-1a2b3c4d5e6f.tgz"}
	now := []string{"./export/main-db.sql", "export/mysql/d9", "export/redis/b", "export-20261123/11111111-ceea-467d-9b3c-1a2b3c4d5e6f.tgz"}
	first := func(t *testing.T, shell []string) (als.Cluster, als.Archive) {
		dir := t.TempDir()
		c := testCluster()
		_, v := export(t, shell, c, "export cluster "+dir+"/b.tgz", func(temp string) { must(t, os.WriteFile(temp, holding(t, parts...), 0o600)) })
		if v.Outcome != als.Succeeded || len(v.Archives[0].Members) != 4 || v.Archives[0].Mount == nil || v.Archives[0].Version != "3.4.2" {
			t.Fatalf("%s: %+v", v.Summary, v.Archives)
		}
		c.Run = "k3v9t3"
		return c, v.Archives[0]
	}
	for name, shell := range shells(t) {
		for _, tt := range []struct {
			name, want string
			paths      []string // of the new archive; nil: the bytes of the last one
			change     func(c *als.Cluster, last *als.Archive)
		}{
			{"the same kind", "", now, nil},
			{"the same bytes", "it is the archive of run first: its SHA-256 is the same", nil, nil},
			{"the same bytes as a suspect one that is gone", "it is the archive of run first", nil, func(_ *als.Cluster, a *als.Archive) { a.Verdict, a.Gone = "suspect", "removed by retention" }},
			{"a service less", "it lacks what all of the last archives had: export/mysql", []string{now[0], now[2], now[3]}, nil},
			{"all of it elsewhere", "it lacks what all of the last archives had", []string{"other/x"}, nil},
			{"a service whose role is gone", "", []string{now[0], now[2], now[3]}, func(c *als.Cluster, _ *als.Archive) { c.Nodes[1].Roles = []string{"base", "filesystem", "redis"} }},
			{"a service less, and so had an earlier one", "", []string{now[0], now[2], now[3]}, func(c *als.Cluster, a *als.Archive) {
				other := earlier("zero", *a)
				other.Members = []string{"export*/*.tgz", "export/main-db.sql", "export/redis"}
				c.History.Earlier = append(c.History.Earlier, other)
			}},
			{"another version of kato", "", []string{"other/x"}, func(_ *als.Cluster, a *als.Archive) { a.Version = "3.2.1" }},
			{"another node's", "", []string{"other/x"}, func(_ *als.Cluster, a *als.Archive) { a.Node = "10.0.0.12" }},
			{"a suspect one does not count", "", []string{"other/x"}, func(_ *als.Cluster, a *als.Archive) { a.Verdict = "suspect" }},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				c, made := first(t, shell)
				data, err := os.ReadFile(made.Path)
				must(t, err)
				last := earlier("first", made)
				sum := sha256.Sum256(data)
				last.SHA256 = hex.EncodeToString(sum[:])
				if tt.change != nil {
					tt.change(&c, &last)
				}
				if tt.paths != nil {
					data = holding(t, tt.paths...)
				}
				c.History.Earlier = append(c.History.Earlier, last)
				_, v := export(t, shell, c, "export cluster "+made.Path, func(temp string) { must(t, os.WriteFile(temp, data, 0o600)) })
				if (v.Outcome == als.Succeeded) != (tt.want == "") || !strings.Contains(v.Summary, tt.want) {
					t.Fatalf("got %s: %s", v.Outcome, v.Summary)
				}
				if tt.want == "" {
					return
				}
				suspect := strings.TrimSuffix(made.Path, ".tgz") + ".suspect.tgz"
				if v.Archives[0].Verdict != "suspect" || v.Archives[0].Path != suspect {
					t.Errorf("%+v", v.Archives)
				}
				if kept, err := os.ReadFile(suspect); err != nil || !bytes.Equal(kept, data) {
					t.Errorf("kept are %d bytes, %v", len(kept), err)
				}
			})
		}
	}
}

// What kato says of its parts counts, whatever its status.
func TestExportSuspectBySaying(t *testing.T) {
	good := holding(t, "export/main-db.sql")
	for _, tt := range []struct {
		name, said, verdict, want string
		exit                      int
		cut                       bool
	}{
		{"all is well", "10.0.0.11: exporting mysql...   ok\nExport complete: x", "verified", "", 0, false},
		{"a part failed, status 0", "10.0.0.11: exporting mysql...              failed\n10.0.0.11: exporting redis... ok\n", "suspect", "exporting mysql... failed", 0, false},
		{"a part failed, status 1", "10.0.0.11: exporting mysql... failed\n", "suspect", "kato ended with status 1 and said: 10.0.0.11: exporting mysql... failed", 1, false},
		{"an error, status 0", "undefined method `read' for nil:NilClass (NoMethodError)\n", "suspect", "NoMethodError", 0, false},
		{"a file changed, status 1", "tar: /var/helion/x.log: file changed as we read it\n", "suspect", "file changed as we read it", 1, false},
		{"a file changed, status 0", "tar: /var/helion/x.log: file changed as we read it\n", "verified", "", 0, false},
		{"status 1 without a word", "Export complete: x\n", "failed", "ended with status 1", 1, false},
		{"an error, status 1", "Errno::EIO: Input/output error (Errno::EIO)\n", "failed", "status 1", 1, false},
		{"more than can be read", strings.Repeat("x\n", 10), "suspect", "more than the 1 MiB", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.WriteFile(dir+"/b.tgz", []byte("the last good one"), 0o600))
			req, op := asked(t, "export cluster "+dir+"/b.tgz")
			c := testCluster()
			checks, err := op.Checks(req, c)
			must(t, err)
			plan, err := op.Plan(req, c, als.Results{run(t, []string{"sh"}, checks[0]), {Key: "ssh", Node: "10.0.0.11", Output: []byte("bad=\n")}})
			must(t, err)
			var rs als.Results
			bad := false
			for _, s := range plan.Steps {
				if s.Argv[0] == "kato" {
					must(t, os.WriteFile(s.Argv[len(s.Argv)-1], good, 0o644))
					rs = append(rs, als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Output: []byte(tt.said), Exit: tt.exit, Cut: tt.cut})
				} else if !bad || s.Always {
					r := run(t, []string{"sh"}, op.Weighed(req, c, plan, rs, s))
					rs, bad = append(rs, r), bad || !r.OK()
				}
			}
			v := op.Judge(req, c, plan, rs)
			if v.Archives[0].Verdict != tt.verdict || !strings.Contains(v.Summary, tt.want) {
				t.Errorf("got %q: %s", v.Archives[0].Verdict, v.Summary)
			}
			if old, err := os.ReadFile(dir + "/b.tgz"); err != nil || (string(old) == "the last good one") == (tt.verdict == "verified") {
				t.Errorf("the target has %d bytes, %v", len(old), err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != map[string]int{"verified": 1, "suspect": 2, "failed": 1}[tt.verdict] {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// An archive is its owner's only, while kato writes it and afterwards.
func TestExportIsPrivate(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, v := export(t, shell, testCluster(), "export cluster "+dir+"/b.tgz", func(temp string) {
				must(t, os.WriteFile(temp, holding(t, "export/x"), 0o600))
				must(t, os.Chmod(temp, 0o644)) // as kato would
				must(t, os.WriteFile(temp+".part", nil, 0o600))
				if private, err := os.Stat(filepath.Dir(temp)); err != nil || private.Mode().Perm() != 0o700 {
					t.Errorf("kato writes into %v, %v", private, err)
				}
			})
			info, err := os.Stat(dir + "/b.tgz")
			if v.Outcome != als.Succeeded || err != nil || info.Mode().Perm() != 0o600 || strings.Contains(v.Summary, "Others") {
				t.Errorf("%s: %v, %v", v.Summary, info, err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// Where a filesystem keeps no modes, the report warns.
func TestExportWithoutModes(t *testing.T) {
	dir := t.TempDir()
	req, op := asked(t, "export cluster "+dir+"/b.tgz")
	c := testCluster()
	checks, err := op.Checks(req, c)
	must(t, err)
	plan, err := op.Plan(req, c, als.Results{run(t, []string{"sh"}, checks[0])})
	must(t, err)
	var rs als.Results
	for _, s := range plan.Steps {
		r := als.Result{Key: s.Key, Step: s.Name, Node: s.Node}
		switch s.Argv[0] {
		case "kato":
			must(t, os.WriteFile(s.Argv[len(s.Argv)-1], holding(t, "export/x"), 0o600))
		default:
			r = run(t, []string{"sh"}, op.Weighed(req, c, plan, rs, s))
			r.Output = []byte(strings.NewReplacer("mode=drwx------", "mode=drwxrwxrwx", "mode=-rw-------", "mode=-rwxrwxrwx").Replace(string(r.Output)))
		}
		rs = append(rs, r)
	}
	if v := op.Judge(req, c, plan, rs); v.Outcome != als.Succeeded || !strings.Contains(v.Summary, "(directory drwxrwxrwx, file -rwxrwxrwx)") || !strings.Contains(v.Next.Text, "file_mode=0600") {
		t.Errorf("%s: %s %s", v.Outcome, v.Summary, v.Next.Text)
	}
}

// An archive over backup.max_size isn't even read.
func TestExportTooLarge(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := testCluster()
			c.MaxSize = 3 << 30
			_, v := export(t, shell, c, "export cluster "+dir+"/b.tgz", func(temp string) {
				must(t, os.WriteFile(temp, holding(t, "export/x"), 0o600))
				must(t, os.Truncate(temp, 3<<30+1))
			})
			if v.Outcome != als.Failed || !strings.Contains(v.Summary, "larger than backup.max_size") {
				t.Errorf("%s: %s", v.Outcome, v.Summary)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}
