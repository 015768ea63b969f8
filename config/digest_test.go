package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every value that decides what alsbot does changes the digest; a secret, the
// file's name and the warnings do not.
func TestDigest(t *testing.T) {
	window, err := ParseWindow("Sat 02:00-05:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ParseWindow("Sun 02:00-05:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	base := func() *Config {
		return &Config{
			Slack:     Slack{BotToken: "xoxb-one"},
			Store:     Store{Etcd: Etcd{Endpoints: []string{"https://me:one@10.0.0.2:2379"}}},
			Access:    Access{Operator: []string{"U1"}},
			Clusters:  []Cluster{{Name: "prod", Core: "10.0.0.10:22", Windows: []Window{window}}},
			Schedules: []Schedule{{Name: "nightly", Command: "export cluster"}},
		}
	}
	digest := func(change func(*Config)) string {
		c := base()
		change(c)
		d, err := c.Digest()
		if err != nil || len(d) != 64 {
			t.Fatalf("%q, %v", d, err)
		}
		return d
	}
	same := digest(func(*Config) {})
	for name, change := range map[string]func(*Config){
		"a token":      func(c *Config) { c.Slack.BotToken = "xoxb-two" },
		"a password":   func(c *Config) { c.Store.Etcd.Endpoints[0] = "https://me:two@10.0.0.2:2379" },
		"the path":     func(c *Config) { c.Path = "/etc/alsbot/config.yaml" },
		"the warnings": func(c *Config) { c.Warnings = []string{"odd"} },
	} {
		if digest(change) != same {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, change := range map[string]func(*Config){
		"operators":         func(c *Config) { c.Access.Operator = []string{"U2"} },
		"a window":          func(c *Config) { c.Clusters[0].Windows[0] = other },
		"a core":            func(c *Config) { c.Clusters[0].Core = "10.0.0.11:22" },
		"a schedule":        func(c *Config) { c.Schedules[0].Command = "status" },
		"the quorum":        func(c *Config) { c.Approval.Quorum = 2 },
		"the expiry":        func(c *Config) { c.Approval.ExpiresAfter = time.Hour },
		"a token taken out": func(c *Config) { c.Slack.BotToken = "" },
	} {
		if digest(change) == same {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

// What the digest sees is the config's JSON: a type without exported fields
// would be invisible in it, and a secret of another type would stand there.
func TestDigestSeesEverything(t *testing.T) {
	text := reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
	var look func(path string, typ reflect.Type)
	look = func(path string, typ reflect.Type) {
		if typ.Implements(text) {
			return
		}
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer, reflect.Map:
			look(path, typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				if f := typ.Field(i); f.IsExported() {
					look(path+"."+f.Name, f.Type)
				} else {
					t.Errorf("%s.%s is not in the config's digest: give %s a MarshalText", path, f.Name, typ)
				}
			}
		default:
		}
	}
	look("config", reflect.TypeFor[Config]())
	b, err := json.Marshal(Config{Slack: Slack{AppToken: "xapp-secret", BotToken: "xoxb-secret"}})
	if err != nil || strings.Contains(string(b), "secret\"") || strings.Contains(string(b), "-secret") {
		t.Errorf("a secret is in it: %s, %v", b, err)
	}
}
