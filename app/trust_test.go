package app_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/app"
	"alsbot/config"
	"alsbot/sim/node"
)

// Trust finds the nodes that a core names only if it understands the core's
// output. If it doesn't understand the version, it says so; a generation in
// the config takes precedence.
func TestTrustSaysThatTheCoreIsNotUnderstood(t *testing.T) {
	c, err := node.Start(node.Options{Dir: filepath.Join(t.TempDir(), "nodes")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Fault("prompt", "sudo:version"); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Clusters: []config.Cluster{{
		Name: "prod", Core: c.Addr(c.Core), User: c.User, IdentityFile: c.IdentityFile, KnownHosts: c.KnownHosts,
		Kato: "kato", Generation: "auto", Addresses: c.Addresses(), RunsDir: ".alsbot/runs",
	}}}
	if err := app.Trust(t.Context(), cfg, "prod", false, nil, io.Discard); err == nil || !strings.Contains(err.Error(), "read the version") {
		t.Errorf("the version cannot be read: %v", err)
	}
	cfg.Clusters[0].Generation = "als13"
	if err := app.Trust(t.Context(), cfg, "prod", false, nil, io.Discard); err != nil {
		t.Error(err)
	}
}
