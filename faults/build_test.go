package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binaries are built once each, for all rows.
var binaries struct {
	sync.Mutex
	dir  string
	path map[string]string
}

// buildBot builds alsbot as shipped.
func buildBot(t testing.TB) string { return build(t, "alsbot", "./cmd/alsbot") }

// buildCrashing builds alsbot with its crash points; see package crashpoint.
func buildCrashing(t testing.TB) string {
	return build(t, "alsbot-crashing", "-tags=faults", "./cmd/alsbot")
}

func build(t testing.TB, name string, args ...string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if path, ok := binaries.path[name]; ok {
		return path
	}
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "faults-bin-")
		must(t, err)
		binaries.dir, binaries.path = dir, map[string]string{}
	}
	path := filepath.Join(binaries.dir, name)
	cmd := exec.Command("go", append([]string{"build", "-o", path}, args...)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", name, err, out)
	}
	binaries.path[name] = path
	return path
}

func cleanBinaries() {
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
	}
}
