package jobs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/upkeep/enginetest"
)

// Whatever an earlier try has left, the copy is the archive or there is none.
func TestFetchGoesOn(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	b := v.Export("export cluster")
	v.Fetching(v.Dir)
	whole, name := v.Read(b.Path), filepath.Base(b.Path)
	wrong := bytes.Clone(whole[:len(whole)/2])
	wrong[7] ^= 1
	for _, tt := range []struct {
		name, left string // what an earlier try has left, and under which name
		data       []byte
		state      runs.State
		want       string
	}{
		{"nothing", "", nil, runs.Succeeded, "Fetched: "},
		{"the first half", "." + name + ".part", whole[:len(whole)/2], runs.Succeeded, "Fetched: "},
		{"all of it", "." + name + ".part", whole, runs.Succeeded, "Fetched: "},
		{"another half", "." + name + ".part", wrong, runs.Succeeded, "Fetched: "},
		{"another whole", "." + name + ".part", make([]byte, len(whole)), runs.Succeeded, "Fetched: "},
		{"too much", "." + name + ".part", append(bytes.Clone(whole), 'x'), runs.Succeeded, "Fetched: "},
		{"the copy itself", name, whole, runs.Succeeded, "Fetched: "},
		{"something else of that name", name, make([]byte, len(whole)), runs.Failed, "something else stands at"},
		{"something short of that name", name, []byte("x"), runs.Failed, "something else stands at"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.left != "" {
				v.Write(tt.left, tt.data)
			}
			r := v.Until(v.Run("U0ANN", "backups fetch "+b.Run), tt.state)
			if !strings.Contains(r.Verdict.Summary, tt.want) {
				t.Errorf("it says: %s", r.Verdict.Summary)
			}
			want := whole
			if tt.state == runs.Failed {
				want = tt.data
			}
			if names := v.Names(); len(names) != 1 || !bytes.Equal(v.Read(filepath.Join(v.Dir, name)), want) {
				t.Errorf("there are %v", names)
			}
			if err := os.Remove(filepath.Join(v.Dir, name)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A file that has changed on its node is not kept, however much has come.
func TestFetchOfAnotherFile(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	b := v.Export("export cluster")
	v.Fetching(v.Dir)
	data := v.Read(b.Path)
	data[len(data)-1] ^= 1
	if err := os.WriteFile(b.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	v.Write("."+filepath.Base(b.Path)+".part", data[:100])
	r := v.Until(v.Run("U0ANN", "backups fetch "+b.Run), runs.Failed)
	if names := v.Names(); len(names) > 0 || !strings.Contains(r.Verdict.Summary, "is not what run "+b.Run+" has made") {
		t.Errorf("%v are left; %s", names, r.Verdict.Summary)
	}
}

// Connections break and the engine is restarted while a copy comes.
func TestFetchOverBreaks(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	if err := v.Cluster.Update(func(s *node.State) { s.ExportSize = 12 << 20 }); err != nil {
		t.Fatal(err)
	}
	b := v.Export("export cluster")
	v.Fetching(v.Dir)
	part := filepath.Join(v.Dir, "."+filepath.Base(b.Path)+".part")
	id := v.Run("U0ANN", "backups fetch "+b.Run)
	for _, at := range []int64{1, 4 << 20} {
		grown(v, part, at)
		v.Cluster.Cut(enginetest.Filesystem)
	}
	grown(v, part, 8<<20)
	v.Restart()
	v.Until(id, runs.Succeeded)
	if names := v.Names(); len(names) != 1 || !bytes.Equal(v.Read(filepath.Join(v.Dir, names[0])), v.Read(b.Path)) {
		t.Errorf("there are %v", names)
	}
}

// grown waits until a file has so many bytes, or is there no more.
func grown(v *enginetest.Vault, part string, size int64) {
	v.T.Helper()
	seen := false
	limit := time.After(enginetest.Safety)
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
			list, bad := v.Ledger.Recent(v.T.Context(), "prod", 1)
			v.T.Fatalf("%s does not grow: %v; %+v, %v", part, err, list, bad)
		}
	}
}

func TestFetchIsCancelled(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	b := v.Export("export cluster")
	v.Fetching(v.Dir)
	if err := v.Cluster.Fault("hang@"+enginetest.Filesystem, "session"); err != nil {
		t.Fatal(err)
	}
	v.Cluster.Cut(enginetest.Filesystem)
	id := v.Run("U0ANN", "backups fetch "+b.Run)
	v.Ask("U0ANN", "cancel "+id)
	v.Until(id, runs.Cancelled)
	if names := v.Names(); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

// A node that sends a byte at a time is not asked for the next one without end.
func TestFetchOfDripsIsInNoHurry(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	b := v.Export("export cluster")
	v.Fetching(v.Dir)
	calls := filepath.Join(t.TempDir(), "calls")
	drip := "#!/bin/sh\necho x >>" + calls + "\n/usr/bin/tail \"$@\" | head -c 1\n"
	bin := filepath.Join(v.Cluster.Home(enginetest.Filesystem), "bin", "tail")
	if err := os.WriteFile(bin, []byte(drip), 0o755); err != nil {
		t.Fatal(err)
	}
	id := v.Run("U0ANN", "backups fetch "+b.Run)
	grown(v, filepath.Join(v.Dir, "."+filepath.Base(b.Path)+".part"), 5)
	began := time.Now()
	for n := 0; time.Since(began) < 4*time.Second && n < 40; time.Sleep(100 * time.Millisecond) {
		if n = bytes.Count(v.Read(calls), []byte("x")); n >= 40 {
			t.Fatalf("asked 40 times within %v", time.Since(began))
		}
	}
	v.Ask("U0ANN", "cancel "+id)
	v.Until(id, runs.Cancelled)
}
