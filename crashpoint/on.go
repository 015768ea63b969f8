//go:build faults

package crashpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var left atomic.Int64 // passes until the process dies; wanted sets it

var wanted = sync.OnceValue(func() string {
	name, count, _ := strings.Cut(os.Getenv("ALSBOT_CRASH"), "#")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		n = 1
	}
	left.Store(n)
	return name
})

// Point kills the process if ALSBOT_CRASH names this place and this pass.
func Point(name string) {
	if name != wanted() || left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal arrives
}
