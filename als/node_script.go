package als

import (
	"strings"
	"time"
)

// The scripts in node/ run on nodes: how they are called, and how the
// key=value lines that they print are read.

// probeLimit ends a script that only looks, or tidies up.
const probeLimit = 2 * time.Minute

// script is an argv that runs a POSIX sh script with arguments; nothing of
// them becomes part of the script.
func script(text, name string, args ...string) []string {
	return append([]string{"sh", "-c", text, name}, args...)
}

// keyValues reads the key=value lines that our scripts print. Of a key that
// comes twice the last one counts: a login may print things first.
func keyValues(out []byte) map[string]string {
	kv := map[string]string{}
	for _, l := range clean(out) {
		if k, v, ok := strings.Cut(l, "="); ok && k != "" && len(k) <= 20 && strings.Trim(k, "abcdefghijklmnopqrstuvwxyz0123456789") == "" {
			kv[k] = v
		}
	}
	return kv
}
