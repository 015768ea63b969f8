package node

import (
	"slices"
	"strings"
	"time"
)

// Each profile is a group of kato versions that behave alike.
const (
	ALS10 = "als10" // ALS 1.0: exit status always 0, --only-this-node, rollback
	ALS11 = "als11" // ALS 1.1: shape C of patch status, real exit statuses
	ALS13 = "als13" // ALS 1.3: real exit statuses, node upgrade takes the whole cluster
)

// Spec is one node of a cluster: its address as kato names it and its roles.
type Spec struct {
	IP    string
	Roles []string
	// Bastion lets SSH clients forward connections through this node, but only
	// to nodes of the cluster.
	Bastion bool
}

// Four returns the default cluster: a core, a node of data services, two DEAs.
func Four() []Spec {
	return []Spec{
		{IP: "10.0.0.10", Roles: []string{"base", "primary", "controller", "router"}},
		{IP: "10.0.0.11", Roles: []string{"base", "filesystem", "mysql", "postgresql", "memcached", "redis", "rabbit"}},
		{IP: "10.0.0.12", Roles: []string{"base", "dea"}},
		{IP: "10.0.0.13", Roles: []string{"base", "dea"}},
	}
}

// role is one role that kato knows.
type role struct {
	name      string
	processes []string
}

// allRoles returns the roles in the order of their start.
func allRoles() []role {
	return []role{
		{"base", []string{"systail", "logyard", "logyard_sieve", "docker_events"}},
		{"mdns", []string{"app_mdns", "avahi_daemon", "avahi_publisher"}},
		{"primary", []string{"config_redis", "nats_server", "postgresql", "redis_server", "health_manager"}},
		{"controller", []string{"cloud_controller_ng", "cc_nginx", "cc_jobs_generic", "cc_stackato_clock", "stackato_rest", "aok", "app_store"}},
		{"router", []string{"router2g"}},
		{"dea", []string{"dea_ng", "dir_server", "fence", "apptail"}},
		{"load_balancer", []string{"nginx_load_balancer"}},
		{"filesystem", []string{"filesystem_node", "filesystem_gateway"}},
		{"harbor", []string{"harbor_node", "harbor_gateway", "harbor_proxy_connector", "harbor_redis"}},
		{"mysql", []string{"mysql", "mysql_node", "mysql_gateway", "redis_server"}},
		{"postgresql", []string{"postgresql", "postgresql_node", "postgresql_gateway", "redis_server"}},
		{"redis", []string{"redis_server", "redis_node", "redis_gateway"}},
		{"mongodb", []string{"mongodb_node", "mongodb_gateway", "redis_server"}},
		{"memcached", []string{"memcached_node", "memcached_gateway"}},
		{"rabbit", []string{"rabbit_node", "rabbit_gateway"}},
		{"rabbit3", []string{"rabbit3_node", "rabbit3_gateway"}},
	}
}

// members returns the roles of a name: one role, or a group's.
func members(name string) []string {
	switch name {
	case "data-services":
		return []string{"mysql", "postgresql", "redis", "mongodb", "rabbit", "memcached", "filesystem"}
	case "microcloud":
		return []string{"base", "primary", "controller", "router", "dea", "filesystem", "mysql", "postgresql"}
	}
	if slices.ContainsFunc(allRoles(), func(r role) bool { return r.name == name }) {
		return []string{name}
	}
	return nil
}

// generation holds the differences between the profiles, apart from the
// grammar.
type generation struct {
	version string // as kato version prints it
	next    string // version after an upgrade without --version
	shape   string // of patch status
	honest  bool   // exit statuses are true
}

func generationOf(profile string) (generation, bool) {
	g, ok := map[string]generation{
		ALS10: {version: "3.0.1", next: "3.0.2", shape: "B", honest: false},
		ALS11: {version: "3.4.2", next: "3.4.3", shape: "C", honest: true},
		ALS13: {version: "Application Lifecycle Service 1.3", next: "1.3.1", shape: "B", honest: true},
	}[profile]
	return g, ok
}

// at adapts a generation to one of its versions. Until 3.4.1 kato piped its
// output through tee and so always exited with 0. 1.2 is upgraded to 1.3.
func (g generation) at(version string) generation {
	switch {
	case strings.HasPrefix(version, "3.2"), strings.HasPrefix(version, "3.3"), version == "3.4.0":
		g.honest = false
	case version == "1.2":
		g.next = "1.3"
	}
	return g
}

// firstState returns the state of a healthy cluster on its first day.
func firstState(o Options, g generation) *State {
	s := &State{
		Profile: o.Profile, User: o.User, Pace: o.Pace, Shape: o.Shape, Seed: o.Seed, ExportSize: o.ExportSize,
		Core:   o.Nodes[0].IP,
		Nodes:  map[string]*Machine{},
		Faults: map[string]string{},
		Data: Data{
			Users: []string{"admin@example.com", "dev@example.com"}, Apps: []string{"env", "shop", "wiki"}, FirstUser: true,
		},
		Patches: []*Patch{
			{ID: 1, Name: "dea-memory-usage-reporting", Severity: "required", Roles: []string{"dea"},
				Description: "Fix the reporting of helion stats usage on the DEA end."},
			{ID: 2, Name: "vsphere-autoscaling-fix", Severity: "required", Roles: []string{"controller", "primary"},
				Description: "Fix VSphere autoscaling behavior."},
		},
	}
	for _, spec := range o.Nodes {
		m := &Machine{Version: o.Version, Roles: map[string]*Role{}, DiskFree: 30 << 30, MemFree: 4 << 30, Sudo: true, Trust: true,
			Locations: map[string]string{}, Mounts: map[string]*Mount{}}
		for _, name := range spec.Roles {
			m.Roles[name] = &Role{State: "RUNNING"}
			if name == "primary" {
				s.Core = spec.IP
			}
		}
		s.Nodes[spec.IP] = m
	}
	s.Config = firstConfig(s.Core)
	if o.Fresh {
		s.Data = Data{}
		s.Config["cloud_controller_ng"].(map[string]any)["admins"] = []any{} //nolint:forcetypeassert // made above
	}
	s.History = []Event{{Time: time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second), Node: s.Core, Command: "kato start", Status: "succeeded"}}
	return s
}

func firstConfig(core string) map[string]any {
	return map[string]any{
		"cluster": map[string]any{
			"endpoint": "api.als.example.com", "mbusip": core, "license": "type: microcloud",
		},
		"cloud_controller_ng": map[string]any{
			"maintenance_mode": false,
			"admins":           []any{"admin@example.com"},
			"allowed_repos":    []any{"deb mirror://mirror.example.org/mirrors.txt precise main restricted universe multiverse"},
		},
		"logyard": map[string]any{
			"drainformats": map[string]any{"systail-syslog": "<13>{{.Time}} {{.NodeID}}: {{.Text}}"},
			"retrylimits":  map[string]any{"appdrain.": "24h"},
		},
		"fence":      map[string]any{"docker": map[string]any{"image": "stackato/app-holophonor:3.0.0"}},
		"mysql_node": map[string]any{"port_range": map[string]any{"min": 15001, "max": 25000}},
		"patch":      map[string]any{"base_url": "https://patch.example.com", "disable_ssl": false},
	}
}
