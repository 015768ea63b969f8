// Package alsbot holds no code: only the tests that hold the house together.
package alsbot

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// below lists, for each room, the rooms that it may import. What is not
// listed is refused, so a new room has to be entered here.
var below = map[string][]string{
	"alsbot":                   nil,
	"alsbot/crashpoint":        nil,
	"alsbot/als":               nil,
	"alsbot/config":            nil,
	"alsbot/executor":          {"alsbot/crashpoint"},
	"alsbot/store":             {"alsbot/crashpoint"},
	"alsbot/store/storetest":   {"alsbot/store"},
	"alsbot/runs":              {"alsbot/als", "alsbot/store"},
	"alsbot/jobs":              {"alsbot/als", "alsbot/config", "alsbot/executor", "alsbot/runs", "alsbot/store"},
	"alsbot/upkeep/enginetest": {"alsbot/config", "alsbot/executor", "alsbot/jobs", "alsbot/runs", "alsbot/store", "alsbot/sim/node", "alsbot/upkeep"}, // for tests
	"alsbot/upkeep":            {"alsbot/als", "alsbot/config", "alsbot/executor", "alsbot/jobs", "alsbot/runs", "alsbot/store"},
	"alsbot/bot":               {"alsbot/crashpoint", "alsbot/als", "alsbot/config", "alsbot/jobs", "alsbot/runs", "alsbot/store"},
	"alsbot/app":               {"alsbot/als", "alsbot/bot", "alsbot/config", "alsbot/executor", "alsbot/jobs", "alsbot/runs", "alsbot/store", "alsbot/upkeep"},
	"alsbot/cmd/alsbot":        {"alsbot/als", "alsbot/app", "alsbot/config", "alsbot/executor", "alsbot/jobs", "alsbot/runs", "alsbot/store", "alsbot/upkeep"},
	"alsbot/cmd/alsdemo":       {"alsbot/als", "alsbot/app", "alsbot/config", "alsbot/jobs", "alsbot/store", "alsbot/sim/node", "alsbot/sim/scene", "alsbot/sim/workspace"},
	"alsbot/sim/node":          nil,
	"alsbot/sim/scene":         {"alsbot/sim/node", "alsbot/sim/workspace"},
	"alsbot/sim/workspace":     nil,
	"alsbot/faults":            nil, // tests only
	"alsbot/bench":             nil, // tests only
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportsRunDownwards(t *testing.T) {
	for _, p := range list(t, "./...") {
		allowed, known := below[p.ImportPath]
		if !known {
			t.Errorf("%s is a new room: enter it in the table of arch_test.go", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "alsbot/") && !slices.Contains(allowed, imp) {
				t.Errorf("%s imports %s, which does not lie below it", p.ImportPath, imp)
			}
		}
	}
}

func TestTheProductLinksWhatItNeeds(t *testing.T) {
	for _, p := range list(t, "./cmd/alsbot") {
		for _, d := range p.Deps {
			if strings.HasPrefix(d, "alsbot/sim") {
				t.Errorf("cmd/alsbot links %s", d)
			}
		}
	}
	// It finds methods by their names, so the linker keeps them all: 4 MiB more.
	for _, p := range list(t, "./als", "./app", "./bot", "./cmd/alsbot", "./config", "./executor", "./jobs", "./runs", "./store", "./upkeep") {
		if slices.Contains(p.Imports, "text/template") || slices.Contains(p.Imports, "html/template") {
			t.Errorf("%s imports a template package", p.ImportPath)
		}
	}
}

func TestALSIsPure(t *testing.T) {
	for _, p := range list(t, "./als") {
		for _, banned := range []string{"net", "net/http", "os", "os/exec"} {
			if slices.Contains(p.Imports, banned) {
				t.Errorf("als is pure and imports %s", banned)
			}
		}
	}
}
