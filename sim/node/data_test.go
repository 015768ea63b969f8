package node_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"alsbot/sim/node"
)

// members reads an archive to its end and returns its names.
func members(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var names []string
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, zip)
			return names, err
		}
		if err != nil {
			return names, err
		}
		if h.Typeflag == tar.TypeReg {
			names = append(names, strings.TrimPrefix(h.Name, "helion-export/"))
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			return names, err
		}
	}
}

const files = "10.0.0.11" // the node with the filesystem role

func TestExportAndImport(t *testing.T) {
	c := start(t, node.Options{ExportSize: 200 << 10})
	file := c.Path(files, "/mnt/nas/full.tgz")
	out, status := katoOn(t, c, files, "data export --cluster "+file)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for _, line := range []string{
		"-----> Exporting cluster\n10.0.0.10: exporting main-db...            ok\n",
		"10.0.0.11: exporting filesystem...         ok\n",
		"-----> Creating " + file + "\nExport complete: " + file + "\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in:\n%s", line, out)
		}
	}
	names, err := members(file)
	must(t, err)
	for _, name := range []string{"main-db.sql", "mysql/d4c1a7f0b.sql", "export.yml"} {
		if !slices.Contains(names, name) {
			t.Errorf("no %s in %v", name, names)
		}
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "resources") || strings.HasPrefix(n, "harbor") }); i >= 0 {
		t.Errorf("%s was neither asked for nor enabled", names[i])
	}
	info, err := os.Stat(file)
	must(t, err)
	if size := info.Size(); size < 180<<10 || size > 240<<10 {
		t.Errorf("the archive has %d bytes", size)
	}

	must(t, c.Update(func(s *node.State) { s.Data.Apps = []string{"lost"} }))
	must(t, os.Rename(file, c.Path(c.Core, "/tmp/full.tgz")))
	must(t, c.Fault("redeploy", "shop"))
	out, status = kato(t, c, "data import --cluster "+c.Path(c.Core, "/tmp/full.tgz"))
	if status != 0 || !strings.Contains(out, "The following apps could not be redeployed:\n  shop\n") {
		t.Errorf("import: status %d:\n%s", status, out)
	}
	if d := state(t, c).Data; !slices.Equal(d.Apps, []string{"env", "shop", "wiki"}) || d.Imports != 1 {
		t.Errorf("after the import: %+v", d)
	}
}

func TestExportGrammar(t *testing.T) {
	c := start(t, node.Options{Profile: node.ALS10})
	katoOn(t, c, files, "data export --only-this-node")
	made, err := filepath.Glob(filepath.Join(c.Home(files), "helion-export-*.tgz"))
	must(t, err)
	if len(made) != 1 || !regexp.MustCompile(`helion-export-\d{10}\.tgz$`).MatchString(made[0]) {
		t.Fatalf("made %v", made)
	}
	names, err := members(made[0])
	must(t, err)
	if slices.Contains(names, "main-db.sql") {
		t.Error("the data node exported the controller's database")
	}

	c = start(t, node.Options{})
	nas := c.Path(files, "/mnt/nas")
	for _, test := range []struct {
		args, says string
		status     int
	}{
		{"data export " + nas + "/x.tgz", "Usage:", 1},
		{"data export --cluster --only-this-node " + nas + "/x.tgz", "Usage:", 1},
		{"data export --cluster", "Usage:", 1},
		{"data export --cluster --bogus " + nas + "/x.tgz", "Usage:", 1},
		{"data export --cluster /mnt/missing/x.tgz", "No such file or directory - /mnt/missing/x.tgz", 1},
		{"data export --cluster /usr/x.tgz", "Permission denied - /usr/x.tgz", 1},
		{"data export --cluster " + nas, "Is a directory", 1},
		{"data import --cluster " + nas + "/none.tgz", "must be run on the Core", 1},
		{"data export --cluster --mysql " + nas + "/only.tgz", "Export complete", 0},
		{"data export --cluster --exclude-mysql --resources " + nas + "/res.tgz", "Export complete", 0},
	} {
		out, status := katoOn(t, c, files, test.args)
		if status != test.status || !strings.Contains(out, test.says) {
			t.Errorf("kato %s: status %d:\n%s", test.args, status, out)
		}
	}
	if names, err := members(nas + "/only.tgz"); err != nil || len(names) != 3 {
		t.Errorf("--mysql alone exported %v, %v", names, err)
	}
	if _, err := os.Stat("/usr/x.tgz"); err == nil {
		t.Error("kato wrote outside its node")
	}
	if _, status := kato(t, c, "data export --cluster "+c.Path(c.Core, "/tmp/x.tgz")); status != 1 {
		t.Error("a cluster export off the filesystem node worked")
	}
}

func TestDamagedExports(t *testing.T) {
	for _, test := range []struct {
		fault  string
		status int
		broken bool
		files  int // maximum
	}{
		{"truncated", 0, true, 99},
		{"corrupt", 0, true, 99},
		{"half", 1, true, 99},
		{"full", 1, true, 99},
		{"nofile", 0, false, 0},
		{"tiny", 0, false, 1},
	} {
		c := start(t, node.Options{})
		must(t, c.Fault("export", test.fault))
		file := c.Path(files, "/mnt/nas/x.tgz")
		out, status := katoOn(t, c, files, "data export --cluster "+file)
		names, err := members(file)
		if status != test.status || (err != nil) != test.broken || len(names) > test.files {
			t.Errorf("%s: status %d, %d files, %v:\n%s", test.fault, status, len(names), err, out)
		}
		if test.fault == "full" && !strings.Contains(out, "No space left on device") {
			t.Errorf("full disk says:\n%s", out)
		}
	}
}

func TestImportFromDamagedArchiveOrHost(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.Fault("export", "truncated"))
	file := c.Path(files, "/mnt/nas/x.tgz")
	katoOn(t, c, files, "data export --cluster "+file)
	must(t, os.Rename(file, c.Path(c.Core, "/tmp/x.tgz")))
	out, status := kato(t, c, "data import --cluster "+c.Path(c.Core, "/tmp/x.tgz"))
	if d := state(t, c).Data; status != 1 || d.Apps != nil {
		t.Errorf("a damaged archive: status %d, data %+v:\n%s", status, d, out)
	}
	old := start(t, node.Options{})
	must(t, old.Update(func(s *node.State) { s.Data.Apps = []string{"legacy"} }))
	for asks, knows := range map[string][2]bool{"Host key verification failed": {false, true}, "Permission denied": {true, false}} {
		must(t, c.Know("old-core.example.com", old, knows[0], knows[1]))
		if out, status := kato(t, c, "data import --cluster old-core.example.com"); status != 1 || !strings.Contains(out, asks) {
			t.Errorf("from an old core that asks: status %d:\n%s", status, out)
		}
	}
	must(t, c.Know("old-core.example.com", old, true, true))
	if out, status := kato(t, c, "data import --cluster old-core.example.com"); status != 0 {
		t.Errorf("from an old core: status %d:\n%s", status, out)
	}
	if d := state(t, c).Data; !slices.Equal(d.Apps, []string{"legacy"}) || !slices.Contains(d.Parts, "mysql") {
		t.Errorf("from an old core: %+v", d)
	}
	if out, status := kato(t, c, "data import --cluster nobody.example.com"); status != 1 || !strings.Contains(out, "Could not resolve hostname") {
		t.Errorf("from nowhere: status %d:\n%s", status, out)
	}
}
