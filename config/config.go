// Package config reads alsbot's configuration: one YAML file, overridden by
// environment variables. It reports every mistake at once. The keys are a
// contract; config.example.yaml documents them.
package config

import (
	"time"
	_ "time/tzdata" // so zones are known even if the system has none
)

// Config is the whole configuration, after its checks.
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

	// Path is the absolute path of the file that was read, or "".
	Path string `koanf:"-"`
	// Warnings lists what Load found odd but not wrong, one sentence each.
	Warnings []string `koanf:"-"`
}

// Slack sets how alsbot reaches the workspace.
type Slack struct {
	Mode          string `koanf:"mode"` // socket or http
	AppToken      Secret `koanf:"app_token"`
	BotToken      Secret `koanf:"bot_token"`
	SigningSecret Secret `koanf:"signing_secret"`
	APIURL        string `koanf:"api_url"` // ends in /
	Command       string `koanf:"command"`
}

// HTTP sets the listener for Slack's calls in http mode.
type HTTP struct {
	Listen string `koanf:"listen"`
}

// Admin sets the listener for health and metrics, and the socket of the local
// command line.
type Admin struct {
	Listen string            `koanf:"listen"`
	Socket string            `koanf:"socket"`
	Users  map[string]string `koanf:"users"` // user of the alsbot host → that person's Slack user ID
}

// Store sets where alsbot keeps its records.
type Store struct {
	Engine   string        `koanf:"engine"` // bolt or etcd
	Path     string        `koanf:"path"`
	Etcd     Etcd          `koanf:"etcd"`
	KeepRuns time.Duration `koanf:"keep_runs"`
}

// Etcd applies to engine etcd only.
type Etcd struct {
	Endpoints []string `koanf:"endpoints"`
	Prefix    string   `koanf:"prefix"`
	CertFile  string   `koanf:"cert_file"`
	KeyFile   string   `koanf:"key_file"`
	CAFile    string   `koanf:"ca_file"`
}

// Access sets who can do what: Slack user IDs, user group IDs, or "*".
type Access struct {
	Viewer   []string `koanf:"viewer"`
	Operator []string `koanf:"operator"`
	Approver []string `koanf:"approver"`
}

// Approval sets which commands need a second person.
type Approval struct {
	Effects      []string      `koanf:"effects"`
	ExpiresAfter time.Duration `koanf:"expires_after"`
	Quorum       int           `koanf:"quorum"`
	Self         bool          `koanf:"self"`   // the requester counts
	Reason       bool          `koanf:"reason"` // --reason is required
}

// Cluster is one ALS cluster and the way to reach its nodes.
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
	Nodes        []string          `koanf:"nodes"` // addresses, networks or names; if set, the core may name no others
	RunsDir      string            `koanf:"runs_dir"`
	Access       Access            `koanf:"access"` // each list set here replaces the general one
	Channel      string            `koanf:"channel"`
	Approvals    string            `koanf:"approvals"` // if empty, Load copies Channel here
	Windows      []Window          `koanf:"windows"`   // none means any time
	Backup       Backup            `koanf:"backup"`
}

// Backup sets where exports go and how long alsbot keeps them.
type Backup struct {
	Directory string        `koanf:"directory"`
	Fetch     string        `koanf:"fetch"`
	Keep      Keep          `koanf:"keep"`
	MaxAge    time.Duration `koanf:"max_age"`
	MaxSize   Size          `koanf:"max_size"` // of one archive
}

// Keep sets how many backups retention keeps.
type Keep struct {
	Daily   int `koanf:"daily"`
	Weekly  int `koanf:"weekly"`
	Monthly int `koanf:"monthly"`
}

// Schedule types a command at set times, as a person would.
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

// AccessOf returns who can do what on this cluster. Each list set for the
// cluster replaces the general one.
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

// Opens returns the time from now until approved restarts may start on this
// cluster. It is 0 while a window is open, or if there are no windows.
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
