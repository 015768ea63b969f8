package bot_test

import (
	"flag"
	"os"
	"strconv"
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
	runSideBySide(6)
	os.Exit(m.Run())
}

// runSideBySide lets n tests run at a time unless -parallel says otherwise:
// most of them wait, for Slack or a pause.
func runSideBySide(n int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(n)) // the flag exists, and n is a number
	}
}
