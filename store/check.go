package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var errOtherProgram = fmt.Errorf("%w by another program; stop that one first", ErrHeld)

// These are the words between OpenBolt and its child. The child first says
// that it has understood. That tells a program without CheckMain from a check
// that died.
const (
	checkFlag   = "--alsbot-check-store="
	saysReading = "reading\n"
	saysSound   = "sound\n"
	saysHeld    = "held\n"
)

// CheckMain must be the first call in main, and in TestMain of tests that open
// damaged files. If OpenBolt started the process to check a file, or Schema to
// read its number, CheckMain does that and exits. Otherwise it returns at
// once.
//
// The check needs its own process: bbolt maps the file and trusts it. On a
// damaged file it panics, also on goroutines of its own, or touches memory
// that isn't there. recover catches neither. In a child, both are an exit
// status.
//
// The check always reads everything, since a clean close doesn't show what the
// disk or a copy has done to the file later. It takes about a second per GiB.
// If a program doesn't call CheckMain, OpenBolt checks the file in its own
// process.
func CheckMain() {
	if len(os.Args) != 2 {
		return
	}
	if path, ok := strings.CutPrefix(os.Args[1], schemaFlag); ok {
		saySchema(path)
		os.Exit(0)
	}
	if !strings.HasPrefix(os.Args[1], checkFlag) {
		return
	}
	fmt.Print(saysReading)
	debug.SetMaxStack(64 << 20) // pages may refer to each other in a circle
	err := checkFile(strings.TrimPrefix(os.Args[1], checkFlag))
	switch {
	case err == nil:
		fmt.Print(saysSound)
	case errors.Is(err, bolterrors.ErrTimeout):
		fmt.Print(saysHeld)
	default:
		fmt.Println(err)
	}
	os.Exit(0)
}

// checkInChild lets another process check the file.
func checkInChild(path string, size int64) error {
	if size == 0 { // bbolt would create a new database in it
		return damaged(path, "it is empty")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var out, trace head
	cmd := exec.Command(self, checkFlag+path) //nolint:noctx // opening takes no context; the timer below ends it
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none")
	cmd.Stdout, cmd.Stderr = &out, &trace
	if err := cmd.Start(); err != nil {
		return err
	}
	limit := 10*time.Second + time.Duration(size>>30)*10*time.Second
	late := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	inTime := late.Stop()
	answer, understood := strings.CutPrefix(string(out.b), saysReading)
	switch {
	case !inTime:
		return damaged(path, fmt.Sprintf("reading it did not end in %v", limit))
	case !understood:
		return checkHere(path)
	case answer == saysSound:
		return nil
	case answer == saysHeld:
		return errOtherProgram
	case answer != "":
		return damaged(path, strings.TrimSpace(answer))
	}
	return damaged(path, trace.firstLine(err))
}

// checkHere checks the file in this process and catches the panics that
// recover can.
func checkHere(path string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = damaged(path, fmt.Sprint(v))
		}
	}()
	err = checkFile(path)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return errOtherProgram
	}
	if err != nil {
		return damaged(path, err.Error())
	}
	return nil
}

// checkFile opens the file read-only, lets bbolt check its structure, and
// reads every key and value.
func checkFile(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	// bbolt finds keys and values by 32-bit offsets and lengths. With that
	// much address space behind the file, a reference out of the file faults
	// here. Without it, the reference may reach other memory and look sound.
	const reach = 8 << 30
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		ReadOnly: true, PreLoadFreelist: true, Timeout: lockWait, InitialMmapSize: int(info.Size()) + reach,
	})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bolt.Tx) error {
		var bad error
		for err := range tx.Check() {
			if bad == nil {
				bad = err // drain the channel
			}
		}
		if bad != nil {
			return bad
		}
		if info.Size() < tx.Size() { // bbolt will need the pages that are free now
			return fmt.Errorf("it has %d bytes and should have %d", info.Size(), tx.Size())
		}
		return tx.ForEach(readAll)
	})
	return errors.Join(err, db.Close())
}

// readAll reads every value of a bucket. bbolt's check reads only the
// beginnings of keys.
func readAll(name []byte, b *bolt.Bucket) error {
	if b == nil {
		return fmt.Errorf("key %q is no bucket", name)
	}
	return b.ForEach(func(k, v []byte) error {
		switch {
		case len(k) > maxKey:
			return fmt.Errorf("a key of %d bytes in bucket %q", len(k), name)
		case v == nil: // alsbot nests no buckets
			return fmt.Errorf("key %q in bucket %q is no value", k, name)
		case len(v) > maxValue:
			return fmt.Errorf("a value of %d bytes at key %q in bucket %q", len(v), k, name)
		}
		_ = crc32.ChecksumIEEE(v)
		return nil
	})
}

// damaged returns an error that says what is wrong with the file and how to
// restore a snapshot.
func damaged(path, why string) error {
	// Operators don't need Go's and bbolt's words for how the child died.
	why = strings.TrimPrefix(strings.TrimPrefix(why, "fatal error: "), "panic: ")
	if strings.HasPrefix(why, "unexpected fault address") {
		why = "it refers to places outside of itself"
	}
	return fmt.Errorf("%w (%s) and was left as it was; to go on from a snapshot:\n  %s\nthen start it with `alsbot serve --accept-restored`, and type `alsbot reconcile`",
		ErrDamaged, why, RestoreCommand("SNAPSHOT", path))
}

// RestoreCommand returns the shell line that replaces the database at path
// with a snapshot while no process has it open. The line keeps the present
// file beside it, under another name. It moves nothing until the copy is
// complete and belongs to the present file's owner, which is the bot: the line
// may be run by root. Where the file is gone, the owner is that of what it left.
func RestoreCommand(snapshot, path string) string {
	file, fresh, old := shellescape.Quote(path), shellescape.Quote(path+".restored"), shellescape.Quote(path+".old-")
	owned, aside := file, fmt.Sprintf("mv %s %s$(date +%%s) && ", file, old)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		owned, aside = shellescape.Quote(append(companions(path), filepath.Dir(path))[0]), ""
	}
	return fmt.Sprintf("cp %s %s && chown --reference=%s %s && %smv %s %s",
		shellescape.Quote(snapshot), fresh, owned, fresh, aside, fresh, file)
}

// head keeps the first bytes written to it.
type head struct{ b []byte }

func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), 4096-len(h.b))]...)
	return len(p), nil
}

// firstLine returns the first line of a dying process, or else how it ended.
func (h *head) firstLine(err error) string {
	line, _, _ := strings.Cut(string(h.b), "\n")
	if line = strings.TrimSpace(line); line != "" {
		return line
	}
	if err != nil {
		return err.Error()
	}
	return "reading it ended without a result"
}
