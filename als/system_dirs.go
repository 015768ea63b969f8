package als

import "strings"

// The directories of a node's own system. No archive and no data goes there.

// systemDir reports whether a directory belongs to the node's own system, and
// to which part.
func systemDir(dir string) (string, bool) {
	for _, s := range []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/selinux", "/sys", "/usr",
		"/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool"} {
		if dir == s || strings.HasPrefix(dir, s+"/") {
			return s, true
		}
	}
	return "/", dir == "/"
}

func refuseSystemDir(dir, s string) error {
	return refuse(Advise("Choose a directory for backups, e.g. /mnt/nas."), "%s belongs to the node's own system (%s), and no archive goes there", dir, s)
}
