package app_test

import (
	"errors"
	"io"
	"os"
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

// Keys are added only after the audit log knows of them. Where they cannot be
// added after all, it says so too.
func TestTrustIsInTheAuditLogFirst(t *testing.T) {
	c, err := node.Start(node.Options{Dir: filepath.Join(t.TempDir(), "nodes")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := &config.Config{Clusters: []config.Cluster{{
		Name: "prod", Core: c.Addr(c.Core), User: c.User, IdentityFile: c.IdentityFile, KnownHosts: filepath.Join(t.TempDir(), "known_hosts"),
		Kato: "kato", Generation: "als13", RunsDir: ".alsbot/runs",
	}}}
	full := errors.New("the disk is full")
	err = app.Trust(t.Context(), cfg, "prod", true, func(app.Trusted) error { return full }, io.Discard)
	if _, missing := os.Stat(cfg.Clusters[0].KnownHosts); !errors.Is(err, full) || !strings.Contains(err.Error(), "no key was added") || !errors.Is(missing, os.ErrNotExist) {
		t.Errorf("the log cannot be written: %v, %v", err, missing)
	}
	var told []app.Trusted
	note := func(k app.Trusted) error { told = append(told, k); return nil }
	file := cfg.Clusters[0].KnownHosts
	cfg.Clusters[0].KnownHosts = filepath.Join(file, "no", "directory")
	if err := app.Trust(t.Context(), cfg, "prod", true, note, io.Discard); err == nil || len(told) != 2 || told[0].Failed != "" || told[1].Failed == "" {
		t.Errorf("the file cannot be written: %v, %+v", err, told)
	}
	if en := told[1].Entry(app.LocalUser()); en.Action != "not trusted" || en.Cluster != "prod" || !strings.Contains(en.Detail, "SHA256:") {
		t.Errorf("%+v", en)
	}
	told, cfg.Clusters[0].KnownHosts = nil, file
	if err := app.Trust(t.Context(), cfg, "prod", true, note, io.Discard); err != nil || len(told) != 1 {
		t.Fatalf("%v, %+v", err, told)
	}
	en := told[0].Entry(app.LocalUser())
	if en.Action != "trusted" || en.By != app.LocalUser() || en.By.ID == "" || !strings.Contains(en.Detail, c.Addr(c.Core)+" ") || !strings.Contains(en.Detail, "SHA256:") {
		t.Errorf("%+v", en)
	}
}
