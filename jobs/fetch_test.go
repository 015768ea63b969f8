package jobs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/sim/node"
	"alsbot/store"
)

const filesystem = "10.0.0.11"

// vault is a house whose archives are fetched into a directory of this host.
type vault struct {
	*house
	dir string
}

func newVault(t *testing.T, keep config.Keep) *vault {
	t.Helper()
	v := &vault{dir: t.TempDir()}
	v.house = newHouse(t, func(c *config.Config) { c.Clusters[0].Backup.Keep = keep })
	v.stop()
	v.cfg.Clusters[0].Backup.Directory = v.cluster.Path(filesystem, "/mnt/nas")
	v.open()
	return v
}

// fetching changes, between two lives of the engine, whether archives are fetched.
func (v *vault) fetching(dir string) {
	v.t.Helper()
	v.stop()
	v.cfg.Clusters[0].Backup.Fetch = dir
	v.open()
}

// export makes an archive and returns what is on record of it.
func (v *vault) export(command string) jobs.Backup {
	v.t.Helper()
	id := v.run("U0ANN", command)
	v.until(id, jobs.Succeeded)
	return v.archive(id)
}

func (v *vault) archive(id string) (found jobs.Backup) {
	v.t.Helper()
	err := v.st.View(v.t.Context(), func(tx store.Tx) (err error) { found, err = known(tx, id); return err })
	if err != nil || found.Run == "" {
		v.t.Fatalf("the archive of %s: %+v, %v", id, found, err)
	}
	return found
}

// known is what is on record of the archive of a run.
func known(tx store.Tx, id string) (found jobs.Backup, err error) {
	err = store.Bucket[jobs.Backup]{Name: "backups"}.Scan(tx, store.Range{}, func(_ string, b jobs.Backup) bool {
		if b.Run == id {
			found = b
		}
		return found.Run == ""
	})
	return found, err
}

func (v *vault) read(file string) []byte {
	v.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		v.t.Fatal(err)
	}
	return data
}

func (v *vault) write(name string, data []byte) {
	v.t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), data, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

func (v *vault) names() (names []string) {
	v.t.Helper()
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Whatever an earlier try has left, the copy is the archive or there is none.
func TestFetchGoesOn(t *testing.T) {
	v := newVault(t, config.Keep{})
	b := v.export("export cluster")
	v.fetching(v.dir)
	whole, name := v.read(b.Path), filepath.Base(b.Path)
	wrong := bytes.Clone(whole[:len(whole)/2])
	wrong[7] ^= 1
	for _, tt := range []struct {
		name, left string // what an earlier try has left, and under which name
		data       []byte
		state      jobs.State
		want       string
	}{
		{"nothing", "", nil, jobs.Succeeded, "Fetched: "},
		{"the first half", "." + name + ".part", whole[:len(whole)/2], jobs.Succeeded, "Fetched: "},
		{"all of it", "." + name + ".part", whole, jobs.Succeeded, "Fetched: "},
		{"another half", "." + name + ".part", wrong, jobs.Succeeded, "Fetched: "},
		{"another whole", "." + name + ".part", make([]byte, len(whole)), jobs.Succeeded, "Fetched: "},
		{"too much", "." + name + ".part", append(bytes.Clone(whole), 'x'), jobs.Succeeded, "Fetched: "},
		{"the copy itself", name, whole, jobs.Succeeded, "Fetched: "},
		{"something else of that name", name, make([]byte, len(whole)), jobs.Failed, "something else stands at"},
		{"something short of that name", name, []byte("x"), jobs.Failed, "something else stands at"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.left != "" {
				v.write(tt.left, tt.data)
			}
			r := v.until(v.run("U0ANN", "backups fetch "+b.Run), tt.state)
			if !strings.Contains(r.Verdict.Summary, tt.want) {
				t.Errorf("it says: %s", r.Verdict.Summary)
			}
			want := whole
			if tt.state == jobs.Failed {
				want = tt.data
			}
			if names := v.names(); len(names) != 1 || !bytes.Equal(v.read(filepath.Join(v.dir, name)), want) {
				t.Errorf("there are %v", names)
			}
			if err := os.Remove(filepath.Join(v.dir, name)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A file that has changed on its node is not kept, however much has come.
func TestFetchOfAnotherFile(t *testing.T) {
	v := newVault(t, config.Keep{})
	b := v.export("export cluster")
	v.fetching(v.dir)
	data := v.read(b.Path)
	data[len(data)-1] ^= 1
	if err := os.WriteFile(b.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	v.write("."+filepath.Base(b.Path)+".part", data[:100])
	r := v.until(v.run("U0ANN", "backups fetch "+b.Run), jobs.Failed)
	if names := v.names(); len(names) > 0 || !strings.Contains(r.Verdict.Summary, "is not what run "+b.Run+" has made") {
		t.Errorf("%v are left; %s", names, r.Verdict.Summary)
	}
}

// Connections break and the engine is restarted while a copy comes.
func TestFetchOverBreaks(t *testing.T) {
	v := newVault(t, config.Keep{})
	if err := v.cluster.Update(func(s *node.State) { s.ExportSize = 12 << 20 }); err != nil {
		t.Fatal(err)
	}
	b := v.export("export cluster")
	v.fetching(v.dir)
	part := filepath.Join(v.dir, "."+filepath.Base(b.Path)+".part")
	id := v.run("U0ANN", "backups fetch "+b.Run)
	for _, at := range []int64{1, 4 << 20} {
		v.grown(part, at)
		v.cluster.Cut(filesystem)
	}
	v.grown(part, 8<<20)
	v.restart()
	v.until(id, jobs.Succeeded)
	if names := v.names(); len(names) != 1 || !bytes.Equal(v.read(filepath.Join(v.dir, names[0])), v.read(b.Path)) {
		t.Errorf("there are %v", names)
	}
}

// grown waits until a file has so many bytes, or is there no more.
func (v *vault) grown(part string, size int64) {
	v.t.Helper()
	seen := false
	limit := time.After(safety)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		info, err := os.Stat(part)
		if err == nil && info.Size() >= size || seen && err != nil {
			return
		}
		seen = seen || err == nil
		select {
		case <-tick.C:
		case <-limit:
			list, bad := v.engine.Runs(v.t.Context(), "prod", 1)
			v.t.Fatalf("%s does not grow: %v; %+v, %v", part, err, list, bad)
		}
	}
}

func TestFetchIsCancelled(t *testing.T) {
	v := newVault(t, config.Keep{})
	b := v.export("export cluster")
	v.fetching(v.dir)
	if err := v.cluster.Fault("hang@"+filesystem, "session"); err != nil {
		t.Fatal(err)
	}
	v.cluster.Cut(filesystem)
	id := v.run("U0ANN", "backups fetch "+b.Run)
	v.ask("U0ANN", "cancel "+id)
	v.until(id, jobs.Cancelled)
	if names := v.names(); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

// With backup.fetch every verified export is fetched by itself, and the copies
// come under retention, apart from the archives: a copy can be all there is.
func TestCopiesComeUnderRetention(t *testing.T) {
	v := newVault(t, config.Keep{Daily: 1})
	v.fetching(v.dir)
	fetched := func(id string, want bool) {
		v.eventually("backups", "the copy of "+id, func(tx store.Tx) (bool, error) {
			b, err := known(tx, id)
			return (b.Fetched != "") == want, err
		})
	}
	export := func(command string) jobs.Backup {
		b := v.export(command)
		fetched(b.Run, true)
		return b
	}
	export("export node --node " + filesystem)
	named := export("export cluster " + v.cluster.Path(filesystem, "/mnt/nas/mine.tgz"))
	first := export("export cluster")
	second := export("export cluster")
	if n := len(v.names()); n != 4 {
		t.Fatalf("%d copies: %v", n, v.names())
	}
	v.write(".helion-export-prod-20200101T000000Z.tgz.part", []byte("x"))
	v.write("mine.txt", []byte("x"))
	long := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(filepath.Join(v.dir, ".helion-export-prod-20200101T000000Z.tgz.part"), long, long); err != nil {
		t.Fatal(err)
	}
	v.restart() // looks after the house at once
	fetched(first.Run, false)
	fetched(named.Run, false) // on this host all have alsbot's own names
	v.eventually("backups", "the end of the old part", func(store.Tx) (bool, error) {
		_, err := os.Stat(filepath.Join(v.dir, ".helion-export-prod-20200101T000000Z.tgz.part"))
		return os.IsNotExist(err), nil
	})
	if names := strings.Join(v.names(), " "); len(v.names()) != 3 || !strings.Contains(names, filepath.Base(second.Path)) || !strings.Contains(names, "mine.txt") {
		t.Errorf("there are left: %s", names)
	}
	for _, file := range []string{named.Path, second.Path} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	v.eventually("backups", "the end of the first archive", func(tx store.Tx) (bool, error) {
		_, gone := os.Stat(first.Path)
		b, err := known(tx, first.Run)
		return os.IsNotExist(gone) && b.Gone != "", err
	})
}

// What is fetched can be read by nobody else.
func TestCopiesArePrivate(t *testing.T) {
	v := newVault(t, config.Keep{})
	v.fetching(v.dir)
	b := v.export("export cluster")
	v.eventually("backups", "the copy", func(store.Tx) (bool, error) {
		info, err := os.Stat(filepath.Join(v.dir, filepath.Base(b.Path)))
		return err == nil && info.Mode() == fs.FileMode(0o600), nil
	})
}
