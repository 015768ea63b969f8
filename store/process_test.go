package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"alsbot/store"
)

// childEnv makes this test binary play a part in another process: "PART PATH".
const childEnv = "STORE_TEST_CHILD"

func playChild(part, path string) {
	s, err := store.OpenBolt(path, store.Ballast(1<<20))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	switch part {
	case "hold":
		fmt.Println("open")
		waitForEver()
	case "write":
		writeForEver(s)
	case "fill":
		fill(s, path)
	}
}

// child starts a part and returns its output lines.
func child(t *testing.T, part, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+part+" "+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func kill(t *testing.T, cmd *exec.Cmd, rest *bufio.Scanner) (lines []string) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for rest.Scan() { // acknowledged before it died
		lines = append(lines, rest.Text())
	}
	_ = cmd.Wait()
	return lines
}

// writeForEver prints each key after Update has acknowledged it.
func writeForEver(s store.Store) {
	ctx := context.Background()
	for g := range 8 {
		go func() {
			offset := int64(0)
			blob := fmt.Sprintf("blob-%d-%d", os.Getpid(), g)
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%06d", os.Getpid(), g, i)
				value := strings.Repeat(key+" ", 1+i%200)
				err := s.Update(ctx, func(tx store.Tx) error {
					return errors.Join(tx.Put("keys", key, []byte(value)), tx.Put("index", key, nil))
				})
				if err == nil && i%4 == 0 {
					err = s.WriteBlob(ctx, blob, offset, []byte(key))
					offset += int64(len(key))
				}
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(key + " " + blob + " " + strconv.FormatInt(offset, 10) + "\n")
			}
		}()
	}
	waitForEver()
}

// waitForEver waits for the kill. An empty select would be a deadlock.
func waitForEver() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	<-c
}

// Every acknowledged write survives a kill -9, and the file is sound: opening
// it checks that.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	acked := map[string]bool{}
	blobs := map[string]int64{}
	for round := range 3 {
		cmd, lines := child(t, "write", path)
		var said []string
		for len(said) < 200+100*round && lines.Scan() {
			said = append(said, lines.Text())
		}
		said = append(said, kill(t, cmd, lines)...)
		for _, line := range said {
			f := strings.Fields(line)
			if len(f) != 3 || f[0] == "error" {
				t.Logf("cut or bad line: %q", line)
				continue
			}
			size, err := strconv.ParseInt(f[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			acked[f[0]] = true
			blobs[f[1]] = max(blobs[f[1]], size)
		}
		if len(acked) < 200 {
			t.Fatalf("only %d writes were acknowledged", len(acked))
		}
		s := open(t, path)
		keys, index := contents(t, s, "keys"), contents(t, s, "index")
		for k := range acked {
			if !strings.HasPrefix(keys[k], k) {
				t.Errorf("%s was acknowledged and is gone", k)
			}
		}
		if len(keys) != len(index) {
			t.Errorf("half a transaction: %d keys, %d in the index", len(keys), len(index))
		}
		for name, size := range blobs {
			if got, err := s.BlobSize(t.Context(), name); err != nil || got < size {
				t.Errorf("%s has %d bytes, %d were acknowledged: %v", name, got, size, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondOpener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	cmd, lines := child(t, "hold", path)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the holder said %q", lines.Text())
	}
	began := time.Now()
	_, err := store.OpenBolt(path)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the refusal took %v", took)
	}
	if !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", cmd.Process.Pid)) {
		t.Errorf("got %v", err)
	}
	kill(t, cmd, lines)
	s := open(t, path) // the dead process holds no lock
	_, err = store.OpenBolt(path)
	if want := fmt.Sprintf("process %d on ", os.Getpid()); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A lock file that names a dead process doesn't blame that process.
func TestStaleHolderIsNotNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	cmd, lines := child(t, "hold", path)
	lines.Scan()
	kill(t, cmd, lines)
	note, err := os.ReadFile(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if err := os.WriteFile(path+".lock", note, 0o600); err != nil { // as before s wrote its own
		t.Fatal(err)
	}
	_, err = store.OpenBolt(path)
	if !errors.Is(err, store.ErrHeld) || strings.Contains(err.Error(), strconv.Itoa(cmd.Process.Pid)) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// If many open a new file at once, in this process or others, one gets it.
func TestOneOpenerWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var mu sync.Mutex
	var won []store.Store
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := store.OpenBolt(path, store.Ballast(0))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, s)
			} else if !errors.Is(err, store.ErrHeld) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d have it", len(won))
	}
	if err := won[0].Close(); err != nil {
		t.Error(err)
	}
}

// fill writes until the system refuses to let files grow, as a full disk does.
// Then it gets room again.
func fill(s store.Store, path string) {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20 << 20, Max: old.Max}))
	value := make([]byte, 100<<10)
	n := 0
	var err error
	for err == nil && n < 1000 {
		if err = s.Update(ctx, func(tx store.Tx) error { return tx.Put("b", strconv.Itoa(n), value) }); err == nil {
			n++
		}
	}
	_, ballast := os.Stat(path + ".ballast")
	fmt.Println("update", errors.Is(err, store.ErrFull), strings.Contains(err.Error(), path))
	fmt.Println("blob", errors.Is(s.WriteBlob(ctx, "o", 0, make([]byte, 21<<20)), store.ErrFull))
	fmt.Println("ready", errors.Is(s.Ready(), store.ErrFull))
	fmt.Println("ballast gone", errors.Is(ballast, os.ErrNotExist))
	fmt.Println("delete", s.Update(ctx, func(tx store.Tx) error { return tx.Delete("b", "0") }))
	must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
	fmt.Println("after", s.Update(ctx, func(tx store.Tx) error { return tx.Put("b", "last", value) }))
	must(s.Close())
	fmt.Println("written", n)
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	cmd, lines := child(t, "fill", path)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	want := "update true true\nblob true\nready true\nballast gone true\ndelete <nil>\nafter <nil>\nwritten "
	got := strings.Join(said, "\n")
	if !strings.HasPrefix(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(got, want))
	if err != nil || n == 0 {
		t.Fatalf("%d writes, %v", n, err)
	}
	s := open(t, path)
	if got := len(contents(t, s, "b")); got != n { // one deleted, one more
		t.Errorf("%d keys are there, %d were acknowledged", got, n)
	}
	if err := s.Ready(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
