package bot_test

import (
	"os"
	"strings"
	"testing"
)

// A proxy of who runs the tests is not theirs: behind one, sockets end and are
// renewed with less courtesy.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}
