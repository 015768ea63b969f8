// Package config reads alsbot's configuration: one YAML file, the
// environment on top, and every mistake reported at once. The keys are a
// contract; config.example.yaml documents them.
package config

import (
	"time"
	_ "time/tzdata" // zones are known also where the system has none
)

// Config is the whole configuration, checked.
type Config struct {
	Slack     Slack      `koanf:"slack"`
	HTTP      HTTP       `koanf:"http"`
	Admin     Admin      `koanf:"admin"`
	Store     Store      `koanf:"store"`
	Access    Access     `koanf:"access"`
	Approval  Approval   `koanf:"approval"`
	Clusters  []Cluster  `koanf:"clusters"`
	Schedules []Schedule `koanf:"schedules"`

	Monitoring Monitoring `koanf:"monitoring"`

	// Path is the file that was read, absolute; "" without one.
	Path string `koanf:"-"`
	// Warnings are what Load found odd but not wrong, one sentence each.
	Warnings []string `koanf:"-"`
}

// Slack is how the workspace is reached.
type Slack struct {
	Mode          string `koanf:"mode"` // socket or http
	AppToken      Secret `koanf:"app_token"`
	BotToken      Secret `koanf:"bot_token"`
	SigningSecret Secret `koanf:"signing_secret"`
	APIURL        string `koanf:"api_url"` // ends in /
	Command       string `koanf:"command"`
}

// HTTP is the listener for Slack's calls in http mode.
type HTTP struct {
	Listen string `koanf:"listen"`
}

// Admin is the listener for health and metrics, and the socket of the local
// command line.
type Admin struct {
	Listen string            `koanf:"listen"`
	Socket string            `koanf:"socket"`
	Users  map[string]string `koanf:"users"` // user of this host → the same person's Slack user ID
}

// Store is where things are written down.
type Store struct {
	Engine   string        `koanf:"engine"` // bolt or etcd
	Path     string        `koanf:"path"`
	Etcd     Etcd          `koanf:"etcd"`
	KeepRuns time.Duration `koanf:"keep_runs"`
}

// Etcd is used with engine etcd.
type Etcd struct {
	Endpoints []string `koanf:"endpoints"`
	Prefix    string   `koanf:"prefix"`
	CertFile  string   `koanf:"cert_file"`
	KeyFile   string   `koanf:"key_file"`
	CAFile    string   `koanf:"ca_file"`
}

// Access says who may do what: Slack user IDs, user group IDs, or "*".
type Access struct {
	Viewer   []string `koanf:"viewer"`
	Operator []string `koanf:"operator"`
	Approver []string `koanf:"approver"`
}

// Approval says what needs a second person.
type Approval struct {
	Effects      []string      `koanf:"effects"`
	ExpiresAfter time.Duration `koanf:"expires_after"`
	Quorum       int           `koanf:"quorum"`
	Self         bool          `koanf:"self"`   // the requester counts
	Reason       bool          `koanf:"reason"` // --reason is required
}

// Cluster is one ALS cluster and how its nodes are reached.
type Cluster struct {
	Name         string            `koanf:"name"`
	Core         string            `koanf:"core"` // host:port
	User         string            `koanf:"user"`
	IdentityFile string            `koanf:"identity_file"`
	KnownHosts   string            `koanf:"known_hosts"`
	RunAs        string            `koanf:"run_as"`
	Kato         string            `koanf:"kato"`
	Generation   string            `koanf:"generation"` // auto, als10, als11, als13
	Via          string            `koanf:"via"`
	LegacySSH    bool              `koanf:"legacy_ssh"`
	Addresses    map[string]string `koanf:"addresses"`
	RunsDir      string            `koanf:"runs_dir"`
	Access       Access            `koanf:"access"` // a list that is set here replaces the general one
	Channel      string            `koanf:"channel"`
	Approvals    string            `koanf:"approvals"` // Load puts Channel here when it is empty
	Windows      []Window          `koanf:"windows"`   // none is any time
	Backup       Backup            `koanf:"backup"`
}

// Backup is where exports go and how long they are kept.
type Backup struct {
	Directory string        `koanf:"directory"`
	Fetch     string        `koanf:"fetch"`
	Keep      Keep          `koanf:"keep"`
	MaxAge    time.Duration `koanf:"max_age"`
}

// Keep says how many backups retention leaves.
type Keep struct {
	Daily   int `koanf:"daily"`
	Weekly  int `koanf:"weekly"`
	Monthly int `koanf:"monthly"`
}

// Schedule is a person who types on time.
type Schedule struct {
	Name     string        `koanf:"name"`
	Cluster  string        `koanf:"cluster"`
	Cron     string        `koanf:"cron"`
	Timezone string        `koanf:"timezone"`
	Command  string        `koanf:"command"`
	CatchUp  time.Duration `koanf:"catch_up"`
}

// Cluster returns the cluster of that name.
func (c *Config) Cluster(name string) (Cluster, bool) {
	for _, cl := range c.Clusters {
		if cl.Name == name {
			return cl, true
		}
	}
	return Cluster{}, false
}

// AccessOf returns who may do what on this cluster: a list that is set here
// replaces the general one.
func (c Cluster) AccessOf(general Access) Access {
	pick := func(own, general []string) []string {
		if own != nil {
			return own
		}
		return general
	}
	return Access{
		Viewer:   pick(c.Access.Viewer, general.Viewer),
		Operator: pick(c.Access.Operator, general.Operator),
		Approver: pick(c.Access.Approver, general.Approver),
	}
}

// Opens says how long it is from now until approved restarts may start on
// this cluster: 0 while a window is open, or without windows.
func (c Cluster) Opens(now time.Time) time.Duration {
	if len(c.Windows) == 0 {
		return 0
	}
	wait := c.Windows[0].Next(now).Sub(now)
	for _, w := range c.Windows[1:] {
		wait = min(wait, w.Next(now).Sub(now))
	}
	return wait
}
