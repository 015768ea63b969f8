package jobs

import "golang.org/x/sys/unix"

// freeIn is how many bytes we may still write in a directory of this host; -1
// when that cannot be known.
func freeIn(dir string) int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return -1
	}
	return int64(fs.Bavail) * fs.Bsize
}
