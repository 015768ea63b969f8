package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"alsbot/config"
)

const examplePath = "../config.example.yaml"

func TestExampleLoads(t *testing.T) {
	c, err := config.Load(examplePath, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Clusters) != 1 || len(c.Schedules) != 2 {
		t.Errorf("got %d clusters, %d schedules", len(c.Clusters), len(c.Schedules))
	}
}

// The example has every key. Load refuses unknown keys, so it has no others.
// Each key has a comment, or one just above it.
func TestExampleIsComplete(t *testing.T) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	want := paths("", reflect.TypeFor[config.Config]())
	for _, p := range want {
		if !has(tree, strings.Split(p, ".")) {
			t.Errorf("%s is not in %s", p, examplePath)
		}
	}
	if len(want) < 50 {
		t.Errorf("only %d keys were looked for", len(want))
	}
}

// paths returns the keys below a type that are set one by one.
func paths(prefix string, t reflect.Type) (all []string) {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[config.Window]() || strings.HasSuffix(prefix, "clusters.access.") {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	for f := range t.Fields() {
		if key := f.Tag.Get("koanf"); key != "-" {
			all = append(all, paths(prefix+key+".", f.Type)...)
		}
	}
	return all
}

func has(v any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return has(e, path) })
	case map[string]any:
		below, ok := v[path[0]]
		return ok && has(below, path[1:])
	}
	return false
}

// Every value that the example calls a default is the default: removing its
// line changes nothing.
func TestExampleShowsDefaults(t *testing.T) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	example := load(t, string(raw))
	short := load(t, minimal)
	got, want := example.Clusters[0], short.Clusters[0]
	got.Approvals, got.Channel, got.Backup.Directory = want.Approvals, want.Channel, want.Backup.Directory
	got.IdentityFile, got.KnownHosts = want.IdentityFile, want.KnownHosts
	got.Windows, got.Addresses, got.Nodes = nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("cluster: got %+v, want %+v", got, want)
	}
	example.Slack.AppToken, example.Slack.BotToken = short.Slack.AppToken, short.Slack.BotToken
	example.Store.Etcd.Endpoints, example.Admin.Users = nil, nil
	if !reflect.DeepEqual([]any{example.Slack, example.HTTP, example.Admin, example.Store, example.Approval, example.Monitoring},
		[]any{short.Slack, short.HTTP, short.Admin, short.Store, short.Approval, short.Monitoring}) {
		t.Errorf("got %+v, want %+v", example, short)
	}
}

var tokenForm = regexp.MustCompile(`xox[bp]-\d|xapp-\d`)

func TestExampleHasNoRealTokens(t *testing.T) {
	raw, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	if m := tokenForm.Find(raw); m != nil {
		t.Errorf("%s… looks like a real token", m)
	}
}
