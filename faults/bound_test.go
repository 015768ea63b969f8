package faults

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
)

// bound changes, between request and approval, what an approval binds besides
// the plan: how the node is reached and as whom, what the checks found, and the
// last good backup of what destroys data. A trial is a request.
func bound(t *testing.T, r *report) {
	target := func(change func(c *config.Cluster)) func(d *engineBed, id string) error {
		return func(d *engineBed, _ string) error {
			d.stop()
			change(&d.cfg.Clusters[0])
			d.open()
			return nil
		}
	}
	cases := []struct {
		name, text string
		do         func(d *engineBed, id string) error
	}{
		{"run_as", "patch update @c0", target(func(c *config.Cluster) { c.RunAs = c.User })},
		{"runs_dir", "patch update @c0", target(func(c *config.Cluster) { c.RunsDir = ".alsbot/others" })},
		{"the address", "patch update @c0", target(func(c *config.Cluster) { c.Core = c.Addresses["10.0.0.11"] })},
		{"a bastion", "patch update @c0", target(func(c *config.Cluster) { c.Via = c.User + "@" + c.Core })},
		{"another host key is trusted", "patch update @c0", trustAnotherKey},
		{"a role has fallen", "upgrade node @c0", func(d *engineBed, _ string) error {
			return d.nodes.SetRole("10.0.0.12", "dea", "FATAL")
		}},
		{"the last good backup has gone", "patch reset @c0", func(d *engineBed, _ string) error {
			return d.putBackup("gone")
		}},
	}
	for range r.n {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				d := newEngineBed(t, func(c *config.Config) { c.Approval.Effects = append(c.Approval.Effects, "destroy") })
				err := errors.Join(d.putBackup(""), d.nodes.Update(func(s *node.State) { // so that there is a record to reset
					for _, patch := range s.Patches {
						patch.Installed = []string{"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"}
					}
				}))
				if err == nil {
					err = d.voidAfter(c.text, func(id string) error { return c.do(d, id) })
				}
				if err != nil {
					err = fmt.Errorf("%s: %w", c.name, err)
				}
				r.trial(err)
			})
		}
	}
}

// putBackup records a verified backup of the cluster, and why it is gone.
func (d *engineBed) putBackup(gone string) error {
	at := time.Now().UTC().Truncate(time.Hour)
	return d.st.Update(context.Background(), func(tx store.Tx) error {
		return store.Bucket[runs.Backup]{Name: "backups"}.Put(tx, "c0/"+runs.TimeKey(at), runs.Backup{
			Run: "backup0000", Operation: "export cluster", Cluster: "c0", Path: "/mnt/nas/a.tgz", Node: "10.0.0.11", Verdict: "verified", At: at, Gone: gone, GoneAt: at,
		})
	})
}

// trustAnotherKey adds a host key of the core to known_hosts.
func trustAnotherKey(d *engineBed, _ string) error {
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(d.cfg.Clusters[0].KnownHosts, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, knownhosts.Line([]string{d.cfg.Clusters[0].Core}, key))
	return err
}
