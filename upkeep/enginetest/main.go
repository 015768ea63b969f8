package enginetest

import (
	"flag"
	"os"
	"testing"

	"alsbot/sim/node"
	"alsbot/store"
)

// Main is the TestMain of packages that use a Rig: their test binary is the
// simulated node's shell and the store's checker too. Tests spend most of
// their time waiting for nodes and disks, so many run side by side unless
// -parallel says otherwise.
func Main(m *testing.M) {
	node.Main()
	store.CheckMain()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
