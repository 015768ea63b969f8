package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	schemaFlag = "--alsbot-store-schema="
	// peekLimit is how long the child may have the file. It is less than
	// lockWait: a bot that starts meanwhile waits, and does not hear that
	// the file is in use.
	peekLimit  = lockWait * 3 / 4
	childLimit = 10 * time.Second // until it is there, and gone again
)

// Schema tells the number of the schema of the database at path, and changes
// nothing. Where a bot has the database it is ErrHeld. The file is not checked
// as OpenBolt does: a damaged one may have a number. What a damaged file does
// to bbolt, and how long that takes, is the affair of another process, which
// the program's main has to let in by CheckMain.
func Schema(ctx context.Context, path string) (int, error) {
	n, err := schemaInChild(ctx, path)
	if err != nil {
		return 0, fmt.Errorf("reading the schema of the store %s: %w", path, err)
	}
	return n, nil
}

func schemaInChild(ctx context.Context, path string) (int, error) {
	f, err := os.Open(path) // what is not there, or not ours to read, is said in the system's words
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, childLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, schemaFlag+path)
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none")
	out, err := cmd.Output()
	answer, understood := strings.CutPrefix(string(out), saysReading)
	switch {
	case ctx.Err() != nil:
		return 0, fmt.Errorf("it did not end: %w", context.Cause(ctx))
	case understood && answer == saysHeld:
		return 0, errOtherProgram
	case understood && err == nil:
		if n, err := strconv.Atoi(strings.TrimSpace(answer)); err == nil {
			return n, nil
		}
		return 0, errors.New(strings.TrimSpace(answer))
	}
	return 0, fmt.Errorf("%w, or is no store", ErrDamaged)
}

// saySchema is the child's part.
func saySchema(path string) {
	fmt.Print(saysReading)
	late := time.AfterFunc(peekLimit, func() { os.Exit(1) }) // pages that point at each other in a circle
	n, err := readSchema(path)
	late.Stop()
	switch {
	case err == nil:
		fmt.Println(n)
	case errors.Is(err, bolterrors.ErrTimeout):
		fmt.Print(saysHeld)
	default:
		fmt.Println(err)
	}
}

func readSchema(path string) (n int, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockWait / 10})
	if err != nil {
		return 0, err
	}
	n, err = schema(db)
	return n, errors.Join(err, db.Close())
}
