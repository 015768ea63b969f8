package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var errOtherProgram = fmt.Errorf("%w by another program; stop that one first", ErrHeld)

// How the child is asked, and what it answers. It says first that it has
// understood, so that a program that knows nothing of this is told apart from
// a check that has died.
const (
	checkFlag   = "--alsbot-check-store="
	saysReading = "reading\n"
	saysSound   = "sound\n"
	saysHeld    = "held\n"
)

// CheckMain is called first thing in main, and in TestMain of tests that open
// damaged files. When the process was started by OpenBolt to check a file, or
// by Schema to look at one, it does that and exits; else it returns at once.
//
// Why a process: bbolt maps the file and trusts it. On a damaged one it
// panics, also on goroutines of its own, or touches memory that is not there;
// recover catches neither. In a child all that is an exit status.
//
// The check reads everything, always: that a store was closed well says
// nothing about what the disk or a copy has done to it since. It costs about
// a second per GiB. A program that does not call CheckMain has the file
// checked in its own process.
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
	debug.SetMaxStack(64 << 20) // pages that point at each other in a circle
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

// checkInChild has the file checked by another process.
func checkInChild(path string, size int64) error {
	if size == 0 { // bbolt would make a new database of it
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

// checkHere catches what can be caught.
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

// checkFile opens the file for reading only, has bbolt check its structure,
// and reads every key and value.
func checkFile(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	// bbolt finds keys and values by offsets and lengths of 32 bits. With as
	// much address space behind the file, what points out of it is a fault
	// here; without, it may point into other memory and look sound.
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
				bad = err // the channel must be read to its end
			}
		}
		if bad != nil {
			return bad
		}
		if info.Size() < tx.Size() { // pages that are free today are needed tomorrow
			return fmt.Errorf("it has %d bytes and should have %d", info.Size(), tx.Size())
		}
		return tx.ForEach(readAll)
	})
	return errors.Join(err, db.Close())
}

// readAll reads every value of a bucket: the check has looked at no more than
// the beginnings of keys.
func readAll(name []byte, b *bolt.Bucket) error {
	if b == nil {
		return fmt.Errorf("key %q is no bucket", name)
	}
	return b.ForEach(func(k, v []byte) error {
		switch {
		case len(k) > maxKey:
			return fmt.Errorf("a key of %d bytes in bucket %q", len(k), name)
		case v == nil: // a bucket in a bucket is nothing of ours
			return fmt.Errorf("key %q in bucket %q is no value", k, name)
		case len(v) > maxValue:
			return fmt.Errorf("a value of %d bytes at key %q in bucket %q", len(v), k, name)
		}
		_ = crc32.ChecksumIEEE(v)
		return nil
	})
}

// damaged says what is wrong with the file and how to go on.
func damaged(path, why string) error {
	// Go's and bbolt's words for how they died are no news to an operator.
	why = strings.TrimPrefix(strings.TrimPrefix(why, "fatal error: "), "panic: ")
	if strings.HasPrefix(why, "unexpected fault address") {
		why = "it refers to places outside of itself"
	}
	return fmt.Errorf("%w (%s) and was left as it was; to go on from a snapshot:\n  %s\nthen start alsbot, and type `alsbot reconcile`",
		ErrDamaged, why, RestoreCommand("SNAPSHOT", path))
}

// RestoreCommand is the line for a shell that puts a snapshot in the place of
// the database at path, while nobody has it. The present file stays, beside
// it, under a name of its own. Nothing is moved before the copy is whole and
// belongs to the owner of the present file, who is the bot: who types this may
// be root.
func RestoreCommand(snapshot, path string) string {
	file, fresh, old := shellescape.Quote(path), shellescape.Quote(path+".restored"), shellescape.Quote(path+".old-")
	return fmt.Sprintf("cp %s %s && chown --reference=%s %s && mv %s %s$(date +%%s) && mv %s %s",
		shellescape.Quote(snapshot), fresh, file, fresh, file, old, fresh, file)
}

// head keeps the first bytes that are written to it.
type head struct{ b []byte }

func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), 4096-len(h.b))]...)
	return len(p), nil
}

// firstLine is what a dying process said first, or else how it ended.
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
