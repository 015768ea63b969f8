package bot_test

import (
	"os"
	"strings"
	"testing"
)

// TestMain removes the proxy settings of the environment: through a proxy,
// sockets can't be closed and renewed as the tests expect.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}
