package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// maxFile is far more than a configuration needs, in bytes.
const maxFile = 1 << 20

// Load reads the YAML file at path ("" means none), and overrides it with the
// variables of environ that begin with ALSBOT_. environ has the form of
// os.Environ(). Unless it can't read the file, Load goes on after a mistake
// and returns an *Error that lists all of them.
func Load(path string, environ []string) (*Config, error) {
	return load(path, environ, func(*report, *Config) {})
}

// LoadWithoutSecrets is like Load but allows missing secrets: a supervisor may
// give them to the bot only.
func LoadWithoutSecrets(path string, environ []string) (*Config, error) {
	return load(path, environ, (*report).forgiveMissing)
}

// forgiveMissing removes the problems about missing secrets.
func (r *report) forgiveMissing(c *Config) {
	var missing []string
	eachSecret(reflect.ValueOf(c).Elem(), "", func(key string, s Secret) {
		if s == "" {
			missing = append(missing, key)
		}
	})
	r.problems = slices.DeleteFunc(r.problems, func(p Problem) bool { return slices.Contains(missing, p.Path) })
}

func load(path string, environ []string, forgive func(*report, *Config)) (*Config, error) {
	r := &report{places: map[string]string{"": path}, lines: map[string]int{}}
	file, readable := map[string]any{}, true
	if path != "" {
		raw, err := read(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("reading the configuration: %w. Copy config.example.yaml there and fill it in, or name another file with --config", err)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		file, readable = r.parseYAML(path, raw)
	}
	tree := r.applyEnv(file, environ)
	c, err := build(tree)
	if err != nil && len(r.problems) == 0 { // the tree already fits Config
		return nil, fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	if err == nil && readable {
		r.check(c)
		forgive(r, c)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	if path != "" {
		if c.Path, err = filepath.Abs(path); err != nil {
			return nil, fmt.Errorf("reading the configuration %s: %w", path, err)
		}
	}
	c.warn(path, r.secretsIn(path))
	if len(r.foreign) > 0 {
		c.warnf("environment: %s: a container platform made these, and they set nothing: enableServiceLinks: false, or another name of the service, keeps them away", strings.Join(r.foreign, ", "))
	}
	return c, nil
}

// secretsIn reports whether the file, not only the environment, holds secrets.
func (r *report) secretsIn(file string) bool {
	found := false
	eachSecret(reflect.ValueOf(Config{}), "", func(key string, _ Secret) {
		_, inFile := r.lines[r.places[key]]
		found = found || inFile && strings.HasPrefix(r.places[key], file)
	})
	return found
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, the limit is %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

// build overrides the defaults with what was set and returns a Config.
func build(set map[string]any) (*Config, error) {
	set["clusters"] = eachOver(set["clusters"], clusterDefaults())
	set["schedules"] = eachOver(set["schedules"], scheduleDefaults())
	k := koanf.New(delimiter)
	err := errors.Join(
		k.Load(confmap.Provider(defaults(), ""), nil),
		k.Load(confmap.Provider(set, ""), nil))
	if err != nil {
		return nil, err
	}
	c := &Config{}
	err = k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result:      c,
		TagName:     "koanf",
		ErrorUnused: true,
		DecodeHook:  mapstructure.ComposeDecodeHookFunc(durationHook, mapstructure.TextUnmarshallerHookFunc()),
	}})
	if err != nil {
		return nil, err
	}
	for i := range c.Clusters {
		if c.Clusters[i].Approvals == "" {
			c.Clusters[i].Approvals = c.Clusters[i].Channel
		}
	}
	return c, nil
}

// delimiter separates keys in a path. A dot can't: the keys of addresses are
// IPs.
const delimiter = "\x00"
