package config

import (
	"reflect"
	"regexp"
	"strings"
)

// Monitoring sets the agents that alsbot can install on nodes.
type Monitoring struct {
	NewRelic NewRelic `koanf:"newrelic"`
}

// NewRelic sets how New Relic's agent is installed. The vendor has retired it,
// so every part of the handbook's procedure can be replaced.
type NewRelic struct {
	LicenseKey Secret   `koanf:"license_key"`
	Package    string   `koanf:"package"`
	Source     string   `koanf:"source"`      // a line for apt's sources; "" adds none
	Install    []string `koanf:"install"`     // commands, run as root; {package} stands for Package
	ConfigFile string   `koanf:"config_file"` // on the node; alsbot writes the line license_key=… into it
	Start      string   `koanf:"start"`       // a command, run as root
	Process    string   `koanf:"process"`     // name of the agent's process
}

func monitoringDefaults() map[string]any {
	return map[string]any{"newrelic": map[string]any{
		"package": "newrelic-sysmond",
		"source":  "deb http://apt.newrelic.com/debian/ newrelic non-free",
		"install": []any{
			"wget --quiet --output-document=/etc/apt/newrelic.gpg https://download.newrelic.com/548C16BF.gpg",
			"apt-key add /etc/apt/newrelic.gpg",
			"apt-get update",
			"env DEBIAN_FRONTEND=noninteractive apt-get install --yes {package}",
		},
		"config_file": "/etc/newrelic/nrsysmond.cfg",
		"start":       "/etc/init.d/newrelic-sysmond restart",
		"process":     "nrsysmond",
	}}
}

// The words of a command reach the node one by one, without a shell. Shell
// syntax is refused anyway, because it wouldn't work.
var (
	keyForm     = regexp.MustCompile(`^[A-Za-z0-9]{40}$`)
	packageForm = regexp.MustCompile(`^[a-z0-9][a-z0-9+.:=~-]{0,99}$`)
	processForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
	runForm     = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9_./+@=:,%{}-]*( [A-Za-z0-9_./+@=:,%{}-]+)*$`)
	sourceForm  = regexp.MustCompile(`^deb [A-Za-z0-9_./+@=:,\[\]-]+( [A-Za-z0-9_./+@=:,\[\]-]+)*$`)
)

func (r *report) checkNewRelic(p string, n NewRelic) {
	if n.LicenseKey != "" && !keyForm.MatchString(n.LicenseKey.Reveal()) {
		r.add(p+".license_key", "should be 40 letters and digits (the value is not shown)")
	}
	if !packageForm.MatchString(n.Package) {
		r.add(p+".package", "%s is no name of a package, such as newrelic-sysmond", shown(n.Package))
	}
	if n.Source != "" && !sourceForm.MatchString(n.Source) {
		r.add(p+".source", "%s should be a line of apt's sources, such as deb http://apt.example.com/debian/ stable main", shown(n.Source))
	}
	for i, line := range n.Install {
		r.command(at(p+".install", i), line)
	}
	if !isClean(n.ConfigFile) || n.ConfigFile == "/" {
		r.add(p+".config_file", "%s should be a clean absolute path, such as /etc/newrelic/nrsysmond.cfg", shown(n.ConfigFile))
	}
	r.command(p+".start", n.Start)
	if !processForm.MatchString(n.Process) {
		r.add(p+".process", "%s is no name of a process as the kernel keeps it: up to 15 letters, digits, dots, - and _", shown(n.Process))
	}
}

func (r *report) command(p, line string) {
	if !runForm.MatchString(line) {
		r.add(p, "%s should be a command and its words with one blank between them; quotes and other signs of a shell mean nothing here", shown(line))
	}
}

// Secret returns the secret at a path of keys, such as
// monitoring.newrelic.license_key. It returns "" if that key isn't set or
// isn't a secret.
func (c *Config) Secret(path string) Secret {
	var found Secret
	eachSecret(reflect.ValueOf(c).Elem(), "", func(at string, s Secret) {
		if at == path {
			found = s
		}
	})
	return found
}

// Secrets returns all secrets that are set.
func (c *Config) Secrets() []Secret {
	var all []Secret
	eachSecret(reflect.ValueOf(c).Elem(), "", func(_ string, s Secret) {
		if s != "" {
			all = append(all, s)
		}
	})
	return all
}

// eachSecret calls fn for every secret in a struct, set or not.
func eachSecret(v reflect.Value, path string, fn func(path string, s Secret)) {
	for f, value := range v.Fields() {
		at := strings.TrimPrefix(path+"."+f.Tag.Get("koanf"), ".")
		switch {
		case value.Type() == secretType:
			fn(at, Secret(value.String()))
		case value.Kind() == reflect.Struct && !isScalar(value.Type()):
			eachSecret(value, at, fn)
		}
	}
}
