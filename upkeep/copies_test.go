package upkeep_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// With backup.fetch every verified export is fetched by itself, and the copies
// come under retention, apart from the archives: a copy can be all there is.
func TestCopiesComeUnderRetention(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{Daily: 1})
	v.Fetching(v.Dir)
	fetched := func(id string, want bool) {
		v.Eventually("backups", "the copy of "+id, func(tx store.Tx) (bool, error) {
			b, err := enginetest.FindBackup(tx, id)
			return (b.Fetched != "") == want, err
		})
	}
	export := func(command string) runs.Backup {
		b := v.Export(command)
		fetched(b.Run, true)
		return b
	}
	export("export node --node " + enginetest.Filesystem)
	named := export("export cluster " + v.Cluster.Path(enginetest.Filesystem, "/mnt/nas/mine.tgz"))
	first := export("export cluster")
	second := export("export cluster")
	if n := len(v.Names()); n != 4 {
		t.Fatalf("%d copies: %v", n, v.Names())
	}
	v.Write(".helion-export-prod-20200101T000000Z.tgz.part", []byte("x"))
	v.Write("mine.txt", []byte("x"))
	long := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(filepath.Join(v.Dir, ".helion-export-prod-20200101T000000Z.tgz.part"), long, long); err != nil {
		t.Fatal(err)
	}
	v.Restart() // looks after the house at once
	fetched(first.Run, false)
	fetched(named.Run, false) // on this host all have alsbot's own names
	v.Eventually("backups", "the end of the old part", func(store.Tx) (bool, error) {
		_, err := os.Stat(filepath.Join(v.Dir, ".helion-export-prod-20200101T000000Z.tgz.part"))
		return os.IsNotExist(err), nil
	})
	if names := strings.Join(v.Names(), " "); len(v.Names()) != 3 || !strings.Contains(names, filepath.Base(second.Path)) || !strings.Contains(names, "mine.txt") {
		t.Errorf("there are left: %s", names)
	}
	for _, file := range []string{named.Path, second.Path} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	v.Eventually("backups", "the end of the first archive", func(tx store.Tx) (bool, error) {
		_, gone := os.Stat(first.Path)
		b, err := enginetest.FindBackup(tx, first.Run)
		return os.IsNotExist(gone) && b.Gone != "", err
	})
}

// What is fetched can be read by nobody else.
func TestCopiesArePrivate(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	v.Fetching(v.Dir)
	b := v.Export("export cluster")
	v.Eventually("backups", "the copy", func(store.Tx) (bool, error) {
		info, err := os.Stat(filepath.Join(v.Dir, filepath.Base(b.Path)))
		return err == nil && info.Mode() == fs.FileMode(0o600), nil
	})
}
