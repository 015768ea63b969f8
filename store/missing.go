package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// HeadPath returns the file that says how far the records of the store at path
// were. Whoever keeps the records writes it; to the store it only shows that
// there was a database.
func HeadPath(path string) string { return path + ".head" }

// Missing returns an error that wraps ErrMissing if there is no database at
// path, but something that only a database leaves beside it. A first start
// has no such file.
func Missing(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	left := companions(path)
	if left == nil {
		return nil
	}
	return fmt.Errorf("%w, and what belongs to it is there (%s): this is no first start. Is its disk mounted, and its path right? To go on from a snapshot:\n"+
		"  %s\nthen start it with `alsbot serve --accept-restored`, and type `alsbot reconcile`. "+
		"To begin with an empty store, which knows no earlier run: `alsbot serve --new-store`",
		ErrMissing, strings.Join(left, ", "), RestoreCommand("SNAPSHOT", path))
}

// companions returns what is there of the files that only a database leaves
// beside it.
func companions(path string) (left []string) {
	for _, companion := range []string{path + ".output", path + ".ballast", HeadPath(path)} {
		if _, err := os.Lstat(companion); err == nil {
			left = append(left, companion)
		}
	}
	return left
}

// putAside renames the output of a missing store. A new run may have the ID of
// an old one, and must not find its output.
func putAside(path string, told func(output string)) error {
	old := fmt.Sprintf("%s.output.old-%d", path, time.Now().UnixNano())
	err := os.Rename(path+".output", old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && told != nil {
		told(old)
	}
	return err
}
