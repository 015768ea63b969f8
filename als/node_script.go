package als

import (
	"strings"
	"time"
)

// The scripts in node/ run on nodes. They print key=value lines.

// probeLimit is the time limit of a script that only probes or cleans up.
const probeLimit = 2 * time.Minute

// script returns an argv that runs a POSIX sh script with arguments. Arguments
// never become part of the script.
func script(text, name string, args ...string) []string {
	return append([]string{"sh", "-c", text, name}, args...)
}

// keyValues reads the key=value lines of a script. If a key comes twice the
// last one counts, since a login shell may print first.
func keyValues(out []byte) map[string]string {
	kv := map[string]string{}
	for _, l := range clean(out) {
		if k, v, ok := strings.Cut(l, "="); ok && k != "" && len(k) <= 20 && strings.Trim(k, "abcdefghijklmnopqrstuvwxyz0123456789") == "" {
			kv[k] = v
		}
	}
	return kv
}
