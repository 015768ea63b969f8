package node

import (
	"os"
	"path/filepath"
	"strings"
)

// place resolves a path that kato reads or writes. Absolute paths are real
// ones of the host, so it refuses everything outside the node's own directory,
// with the error of an ordinary user without rights there.
func (k *kato) place(path string) (string, string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", "No such file or directory - " + path
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", "No such file or directory - " + path
	}
	full := filepath.Join(parent, filepath.Base(abs))
	if target, err := filepath.EvalSymlinks(full); err == nil {
		full = target
	}
	if full != k.root && !strings.HasPrefix(full, k.root+string(filepath.Separator)) {
		return "", "Permission denied - " + path
	}
	if info, err := os.Stat(full); err == nil && info.IsDir() {
		return full, "Is a directory - " + path
	}
	return full, ""
}
