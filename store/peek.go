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
	// peekLimit is how long the child may have the file open. It is less than
	// lockWait, so a bot that starts at the same time waits for the file and
	// doesn't fail.
	peekLimit  = lockWait * 3 / 4
	childLimit = 10 * time.Second // from the child's start to its end
)

// Schema returns the schema number of the database at path and changes
// nothing. It returns ErrHeld if a bot has the database open. It doesn't check
// the file as OpenBolt does: a damaged file may have a number. It reads the
// file in another process, because bbolt may crash or hang on a damaged one.
// The program's main must call CheckMain.
func Schema(ctx context.Context, path string) (int, error) {
	n, err := schemaInChild(ctx, path)
	if err != nil {
		return 0, fmt.Errorf("reading the schema of the store %s: %w", path, err)
	}
	return n, nil
}

func schemaInChild(ctx context.Context, path string) (int, error) {
	f, err := os.Open(path) // an unreadable file gets the system's error
	if errors.Is(err, os.ErrNotExist) {
		return 0, errors.Join(Missing(path), err)
	}
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

// saySchema runs in the child and prints the schema number.
func saySchema(path string) {
	fmt.Print(saysReading)
	late := time.AfterFunc(peekLimit, func() { os.Exit(1) }) // pages may refer to each other in a circle
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
