package als_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/als"
)

// mounted returns a step whose script reads another file instead of
// /proc/mounts.
func mounted(s als.Step, file string) als.Step {
	s.Argv = append([]string{}, s.Argv...)
	s.Argv[2] = strings.ReplaceAll(s.Argv[2], "/proc/mounts", file)
	return s
}

// lookedAt plans an export to dir/b.tgz on a node with these mounts.
func lookedAt(t *testing.T, shell []string, c als.Cluster, dir, mounts string) als.Plan {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mounts")
	must(t, os.WriteFile(file, []byte(mounts), 0o600))
	req, op := asked(t, "export cluster")
	c.BackupDir = dir
	checks, err := op.Checks(req, c)
	must(t, err)
	plan, err := op.Plan(req, c, als.Results{run(t, shell, mounted(checks[0], file))})
	must(t, err)
	return plan
}

func fact(p als.Plan, key string) string {
	for _, f := range p.Facts {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

func TestMountOfADirectory(t *testing.T) {
	base := t.TempDir()
	for _, dir := range []string{"nas/prod", "nas2"} {
		must(t, os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	must(t, os.Symlink(filepath.Join(base, "nas"), filepath.Join(base, "link")))
	root := "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n/dev/vda1 / ext4 rw 0 0\n"
	nas := "nas:/backup " + base + "/nas nfs rw,vers=3 0 0\n"
	for name, shell := range shells(t) {
		for _, tt := range []struct{ name, dir, mounts, want string }{
			{"none", "nas", root, "/dev/vda1 (ext4) at /"},
			{"a mount", "nas", root + nas, "nas:/backup (nfs) at " + base + "/nas"},
			{"a directory in it", "nas/prod", root + nas, "nas:/backup (nfs) at " + base + "/nas"},
			{"a neighbour with a longer name", "nas2", root + nas, "/dev/vda1 (ext4) at /"},
			{"a link to it", "link", root + nas, "nas:/backup (nfs) at " + base + "/nas"},
			{"a mount in a mount", "nas/prod", root + "/dev/vdb " + base + "/nas/prod xfs rw 0 0\n" + nas, "/dev/vdb (xfs) at " + base + "/nas/prod"},
			{"one over another", "nas", root + "systemd-1 " + base + "/nas autofs rw 0 0\n" + nas, "nas:/backup (nfs) at " + base + "/nas"},
			{"a bind mount", "nas", root + "/dev/vda1 " + base + "/nas ext4 rw 0 0\n", "/dev/vda1 (ext4) at " + base + "/nas"},
			{"a blank in the source", "nas", root + `//nas/a\040b\134c ` + base + "/nas cifs rw 0 0\n", `//nas/a\040b\134c (cifs) at ` + base + "/nas"},
			{"a neighbour with a blank", "nas", root + "/dev/vdb " + base + `/nas\040x ext4 rw 0 0` + "\n", "/dev/vda1 (ext4) at /"},
			{"an escaped letter", "nas", root + "/dev/vdb " + base + `/\156as ext4 rw 0 0` + "\n", "/dev/vdb (ext4) at " + base + `/\156as`},
			{"nothing to read", "nas", "", "unknown"},
			{"half a line", "nas", "/dev/vda1 /", "unknown"},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				if got := fact(lookedAt(t, shell, testCluster(), filepath.Join(base, tt.dir), tt.mounts), "mount"); got != tt.want {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

// What was a mount at the last export to a directory of a node, and is none
// now, stops the next one before anything is written.
func TestMountIsGone(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "nas")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Mkdir(filepath.Join(base, "other"), 0o755))
	root := "/dev/vda1 / ext4 rw 0 0\n"
	nas := als.Mount{Point: dir, Source: "nas:/backup", Type: "nfs"}
	last := als.Archive{Run: "first", Path: dir + "/b.tgz", Node: "10.0.0.11", Verdict: "verified", SHA256: "x", Mount: &nas}
	for _, tt := range []struct {
		name, dir, mounts, want string
		change                  func(a *als.Archive)
		stops                   bool
	}{
		{"as it was", "nas", root + "nas:/backup " + dir + " nfs rw 0 0\n", "", nil, false},
		{"gone", "nas", root, "was on nas:/backup (nfs) at " + dir + " when run first exported to it. Nothing is mounted there now: it is on /dev/vda1 (ext4) at /", nil, true},
		{"gone, and the one above it is there", "nas", root + "/dev/vdb " + base + " ext4 rw 0 0\n", "Nothing is mounted there now: it is on /dev/vdb (ext4) at " + base, nil, true},
		{"gone, of a suspect one", "nas", root, "Nothing is mounted there now", func(a *als.Archive) { a.Verdict, a.Gone = "suspect", "removed by retention" }, true},
		{"another source", "nas", root + "nas2:/b " + dir + " nfs rw 0 0\n", "This is another filesystem than that of the last archive there (run first): that one was nas:/backup (nfs) at " + dir + ", this one is nas2:/b (nfs) at " + dir, nil, false},
		{"another type", "nas", root + "nas:/backup " + dir + " nfs4 rw 0 0\n", "This is another filesystem", nil, false},
		{"a mount where there was none", "nas", root + "nas:/backup " + dir + " nfs rw 0 0\n", "This is another filesystem", func(a *als.Archive) { a.Mount = &als.Mount{Point: "/", Source: "/dev/vda1", Type: "ext4"} }, false},
		{"never a mount", "nas", root, "", func(a *als.Archive) { a.Mount = &als.Mount{Point: "/", Source: "/dev/vda1", Type: "ext4"} }, false},
		{"another directory", "other", root, "", nil, false},
		{"another node's", "nas", root, "", func(a *als.Archive) { a.Node = "10.0.0.12" }, false},
		{"not on record", "nas", root, "", func(a *als.Archive) { a.Mount = nil }, false},
		{"cannot be seen", "nas", "", "it cannot be seen on which filesystem " + dir, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := last
			if tt.change != nil {
				tt.change(&a)
			}
			c := testCluster()
			c.History.Earlier = []als.Archive{a}
			plan := lookedAt(t, []string{"sh"}, c, filepath.Join(base, tt.dir), tt.mounts)
			said := strings.Join(plan.Notes, "\n")
			for _, f := range plan.Findings {
				said += "\n" + f.Text
			}
			if _, stops := plan.Stopped(); stops != tt.stops || (len(plan.Steps) == 0) != tt.stops || !strings.Contains(said, tt.want) || tt.want == "" && strings.Contains(said, "filesystem than") {
				t.Errorf("stopped %t, %d steps: %s", stops, len(plan.Steps), said)
			}
		})
	}
}

// A mount that goes between the plan and the start stops the export as well.
func TestMountGoesBeforeTheStart(t *testing.T) {
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(t.TempDir(), "mounts")
			must(t, os.WriteFile(file, []byte("/dev/vda1 / ext4 rw 0 0\n"), 0o600))
			plan := lookedAt(t, shell, testCluster(), dir, "/dev/vda1 / ext4 rw 0 0\nnas:/backup "+dir+" nfs rw 0 0\n")
			_, op := asked(t, "export cluster")
			res := run(t, shell, mounted(plan.Steps[0], file))
			if left, err := os.ReadDir(dir); res.OK() || err != nil || len(left) > 0 {
				t.Errorf("%+v; left: %v, %v", res, left, err)
			}
			if v := op.Judge(als.Request{Operation: "export cluster"}, testCluster(), plan, als.Results{res}); !strings.Contains(v.Summary, "is no longer the one that the plan was made for. kato was not run") {
				t.Error(v.Summary)
			}
		})
	}
}
