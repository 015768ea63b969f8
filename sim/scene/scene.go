// Package scene starts a simulated cluster and a simulated workspace, and
// writes an alsbot config for both. The demo and the script tests use it.
package scene

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"alsbot/sim/node"
	"alsbot/sim/workspace"
)

// These are the people and channels of a scene.
const (
	Ann = "U0ANN" // operator
	Bob = "U0BOB" // approver
	Cat = "U0CAT" // approver
	Dan = "U0DAN" // viewer
	Gus = "U0GUS" // a guest, with Options.Outsiders
	Sue = "U0SUE" // of another organization, with Options.Outsiders

	Prod      = "C0PROD"
	Approve   = "C0APPROVE"
	Elsewhere = "C0ELSE" // belongs to no cluster
	Fresh     = "C0FRESH"

	Filesystem = "10.0.0.11" // the node with the filesystem role
)

// People maps first names to user IDs.
var People = map[string]string{"ann": Ann, "bob": Bob, "cat": Cat, "dan": Dan, "gus": Gus, "sue": Sue}

// Options describes a scene.
type Options struct {
	Dir     string // absolute; holds everything
	Profile string // kato's profile; see package node
	Version string // kato's version; the default is the profile's
	Shape   string // shape of patch status; the default is the profile's
	User    string // the system user; default helion
	// Fresh adds a second cluster, @fresh, that isn't set up yet and has no
	// rabbit role. Its nodes know the first cluster's core as OldCore.
	Fresh bool
	// Outsiders adds a guest and a person of another organization, who are in
	// every group.
	Outsiders bool
	Mode      string // socket (the default) or http
	Listen    string // address of the workspace; default 127.0.0.1:0
	Pace      time.Duration
	Extra     string // YAML appended to the config: more top-level keys
	// Suggest, Controls and Hints apply to the page.
	Suggest  func(string) []workspace.Suggestion
	Controls []workspace.Control
	Hints    []string
	// HTTP is the address on which the bot listens in http mode.
	HTTP string
	// Patience is how long Slack waits for an acknowledgement, and how long a
	// trigger is valid. The default is Slack's 3 s.
	Patience time.Duration
}

// Scene is a running scene.
type Scene struct {
	Cluster   *node.Cluster
	Fresh     *node.Cluster // nil without Options.Fresh
	Workspace *workspace.Workspace
	Config    string // path of the bot's config
	Dir       string
}

// Start starts the cluster and the workspace and writes the config.
func Start(o Options) (_ *Scene, err error) {
	s := &Scene{Dir: o.Dir, Config: filepath.Join(o.Dir, "config.yaml")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.nodes(o); err != nil {
		return nil, err
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s.Workspace = workspace.New(cast(o))
	if err := s.Workspace.Start(o.Listen); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.Config, []byte(s.yaml(o)), 0o600); err != nil {
		return nil, fmt.Errorf("writing the scene's config: %w", err)
	}
	return s, nil
}

// OldCore is the name of the first cluster's core on the nodes of the second.
const OldCore = "old-core.example.com"

// nodes starts the clusters.
func (s *Scene) nodes(o Options) (err error) {
	n := node.Options{Dir: filepath.Join(o.Dir, "nodes"), Profile: o.Profile, Version: o.Version, Shape: o.Shape, User: o.User, Pace: o.Pace}
	if s.Cluster, err = node.Start(n); err != nil || !o.Fresh {
		return err
	}
	n.Dir, n.Fresh = filepath.Join(o.Dir, "fresh"), true
	n.Nodes = []node.Spec{
		{IP: "10.0.1.10", Roles: []string{"base", "primary", "controller", "router"}},
		{IP: "10.0.1.11", Roles: []string{"base", "filesystem", "mysql", "postgresql", "memcached", "redis"}},
		{IP: "10.0.1.12", Roles: []string{"base", "dea"}},
	}
	if s.Fresh, err = node.Start(n); err != nil {
		return err
	}
	return s.Fresh.Know(OldCore, s.Cluster, true, true)
}

// cast returns the people and channels of the workspace.
func cast(o Options) workspace.Options {
	w := workspace.Options{
		Users: []workspace.User{
			{ID: Ann, Name: "ann", RealName: "Ann Operator", Title: "operator"},
			{ID: Bob, Name: "bob", RealName: "Bob Approver", Title: "approver"},
			{ID: Cat, Name: "cat", RealName: "Cat Approver", Title: "approver"},
			{ID: Dan, Name: "dan", RealName: "Dan Viewer", Title: "viewer"},
		},
		Groups: []workspace.Group{
			{ID: "S0OPS", Handle: "ops", Members: []string{Ann}},
			{ID: "S0LEADS", Handle: "leads", Members: []string{Bob, Cat}},
		},
		Channels: []workspace.Channel{
			{ID: Prod, Name: "prod", Topic: "the production cluster"},
			{ID: Approve, Name: "approvals", Topic: "what waits for a second person"},
			{ID: Elsewhere, Name: "random"},
		},
		BotToken: "xoxb-scene", AppToken: "xapp-scene", SigningSecret: "scene-signing-secret",
		AckTimeout: o.Patience, TriggerLife: o.Patience,
		Suggest: o.Suggest, Controls: o.Controls, Hints: o.Hints,
	}
	if o.Outsiders {
		w.Users = append(w.Users, workspace.User{ID: Gus, Name: "gus", RealName: "Gus Guest", Title: "guest", Guest: true},
			workspace.User{ID: Sue, Name: "sue", RealName: "Sue Stranger", Title: "other organization", Team: "T0ELSE"})
		for i := range w.Groups {
			w.Groups[i].Members = append(w.Groups[i].Members, Gus, Sue)
		}
	}
	if o.Fresh {
		w.Channels = append(w.Channels, workspace.Channel{ID: Fresh, Name: "fresh", Topic: "the cluster that is to take over"})
	}
	if o.Mode == "http" {
		w.AppToken, w.RequestURL = "", "http://"+o.HTTP
	}
	return w
}

func (s *Scene) yaml(o Options) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	w("slack:\n  bot_token: xoxb-scene\n  api_url: %s", s.Workspace.APIURL())
	if o.Mode == "http" {
		w("  mode: http\n  signing_secret: scene-signing-secret\nhttp: {listen: %s}", o.HTTP)
	} else {
		w("  mode: socket\n  app_token: xapp-scene")
	}
	w("admin: {listen: \"127.0.0.1:0\", socket: %s}", filepath.Join(s.Dir, "alsbot.sock"))
	w("store: {path: %s}", filepath.Join(s.Dir, "alsbot.db"))
	w("access: {viewer: [\"*\"], operator: [S0OPS], approver: [S0LEADS]}")
	w("clusters:")
	one := func(name, channel string, c *node.Cluster) {
		w("  - name: %s\n    core: %s\n    user: %s", name, c.Addr(c.Core), c.User)
		w("    identity_file: %s\n    known_hosts: %s", c.IdentityFile, c.KnownHosts)
		w("    channel: %s\n    approvals: %s", channel, Approve)
		w("    addresses:")
		for ip, addr := range c.Addresses() {
			w("      %s: %s", ip, addr)
		}
	}
	one("prod", Prod, s.Cluster)
	w("    backup: {directory: %s}", s.Cluster.Path(Filesystem, "/mnt/nas"))
	if s.Fresh != nil {
		one("fresh", Fresh, s.Fresh)
	}
	b.WriteString(o.Extra)
	return b.String()
}

// Close ends the cluster and the workspace. The directory stays.
func (s *Scene) Close() error {
	var errs []error
	if s.Workspace != nil {
		errs = append(errs, s.Workspace.Close())
	}
	for _, c := range []*node.Cluster{s.Cluster, s.Fresh} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
