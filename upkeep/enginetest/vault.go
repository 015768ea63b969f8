package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// Filesystem is the node with the filesystem role.
const Filesystem = "10.0.0.11"

// Vault is a rig whose archives can be fetched into a directory of this host.
type Vault struct {
	*Rig
	Dir string
}

// NewVault starts a rig whose archives retention keeps by keep.
func NewVault(t *testing.T, keep config.Keep) *Vault {
	t.Helper()
	v := &Vault{Dir: t.TempDir()}
	v.Rig = New(t, func(c *config.Config) { c.Clusters[0].Backup.Keep = keep })
	v.Stop()
	v.Config.Clusters[0].Backup.Directory = v.Cluster.Path(Filesystem, "/mnt/nas")
	v.Open()
	return v
}

// Fetching changes, between two starts of the engine, where archives are fetched to; "" fetches none.
func (v *Vault) Fetching(dir string) {
	v.T.Helper()
	v.Stop()
	v.Config.Clusters[0].Backup.Fetch = dir
	v.Open()
}

// Export makes an archive and returns its record.
func (v *Vault) Export(command string) runs.Backup {
	v.T.Helper()
	id := v.Run("U0ANN", command)
	v.Until(id, runs.Succeeded)
	return v.Archive(id)
}

// Archive returns the record of the archive that a run made.
func (v *Vault) Archive(id string) (found runs.Backup) {
	v.T.Helper()
	err := v.Store.View(v.T.Context(), func(tx store.Tx) (err error) { found, err = FindBackup(tx, id); return err })
	if err != nil || found.Run == "" {
		v.T.Fatalf("the archive of %s: %+v, %v", id, found, err)
	}
	return found
}

// FindBackup returns the record of the archive that a run made.
func FindBackup(tx store.Tx, id string) (found runs.Backup, err error) {
	err = store.Bucket[runs.Backup]{Name: "backups"}.Scan(tx, store.Range{}, func(_ string, b runs.Backup) bool {
		if b.Run == id {
			found = b
		}
		return found.Run == ""
	})
	return found, err
}

// Read returns the content of a file.
func (v *Vault) Read(file string) []byte {
	v.T.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		v.T.Fatal(err)
	}
	return data
}

// Write puts a file into the directory.
func (v *Vault) Write(name string, data []byte) {
	v.T.Helper()
	if err := os.WriteFile(filepath.Join(v.Dir, name), data, 0o600); err != nil {
		v.T.Fatal(err)
	}
}

// Names lists the files in the directory.
func (v *Vault) Names() (names []string) {
	v.T.Helper()
	entries, err := os.ReadDir(v.Dir)
	if err != nil {
		v.T.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
