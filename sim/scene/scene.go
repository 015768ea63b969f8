// Package scene puts a simulated cluster and a simulated workspace side by
// side and writes the config by which alsbot finds both. The demo and the
// script tests play in it.
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

// The people and channels of a scene.
const (
	Ann = "U0ANN" // operator
	Bob = "U0BOB" // approver
	Cat = "U0CAT" // approver
	Dan = "U0DAN" // viewer

	Prod      = "C0PROD"
	Approve   = "C0APPROVE"
	Elsewhere = "C0ELSE" // belongs to no cluster

	Filesystem = "10.0.0.11" // the node with the filesystem role
)

// People maps first names to user IDs.
var People = map[string]string{"ann": Ann, "bob": Bob, "cat": Cat, "dan": Dan}

// Options say what the scene is like.
type Options struct {
	Dir     string // absolute; everything is in it
	Profile string // of kato; see package node
	Mode    string // socket (the default) or http
	Listen  string // of the workspace; default 127.0.0.1:0
	Pace    time.Duration
	Extra   string // YAML that is appended to the config: more top-level keys
	// Suggest, Controls and Hints are for the page.
	Suggest  func(string) []workspace.Suggestion
	Controls []workspace.Control
	Hints    []string
	// HTTP is where the bot listens in http mode.
	HTTP string
}

// Scene is a running scene.
type Scene struct {
	Cluster   *node.Cluster
	Workspace *workspace.Workspace
	Config    string // path of the bot's config
	Dir       string
}

// Start starts the cluster and the workspace and writes the config.
func Start(o Options) (_ *Scene, err error) {
	s := &Scene{Dir: o.Dir, Config: filepath.Join(o.Dir, "config.yaml")}
	s.Cluster, err = node.Start(node.Options{Dir: filepath.Join(o.Dir, "nodes"), Profile: o.Profile, Pace: o.Pace})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
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

// cast is who is in the workspace, and where.
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
		Suggest: o.Suggest, Controls: o.Controls, Hints: o.Hints,
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
	w("  - name: prod\n    core: %s\n    user: %s", s.Cluster.Addr(s.Cluster.Core), s.Cluster.User)
	w("    identity_file: %s\n    known_hosts: %s", s.Cluster.IdentityFile, s.Cluster.KnownHosts)
	w("    channel: %s\n    approvals: %s", Prod, Approve)
	w("    addresses:")
	for ip, addr := range s.Cluster.Addresses() {
		w("      %s: %s", ip, addr)
	}
	w("    backup: {directory: %s}", s.Cluster.Path(Filesystem, "/mnt/nas"))
	b.WriteString(o.Extra)
	return b.String()
}

// Close ends both. The directory stays.
func (s *Scene) Close() error {
	var errs []error
	if s.Workspace != nil {
		errs = append(errs, s.Workspace.Close())
	}
	return errors.Join(append(errs, s.Cluster.Close())...)
}
