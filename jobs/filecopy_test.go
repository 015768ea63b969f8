package jobs

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"alsbot/als"
)

func halfCopy(t *testing.T, size int64) (*fileCopy, string) {
	t.Helper()
	want := als.Save{Dir: t.TempDir(), Name: "x.tgz", Size: size, SHA256: "00"}
	part := filepath.Join(want.Dir, partName(want.Name))
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := openCopy(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c, part
}

// However large an archive is said to be, it is refused if it doesn't fit, and
// what has come of it goes.
func TestNoRoomForWhatIsClaimed(t *testing.T) {
	for _, size := range []int64{1 << 50, math.MaxInt64 - als.SpareRoom, math.MaxInt64 - als.SpareRoom + 1, math.MaxInt64 - 1} {
		c, part := halfCopy(t, size)
		if err := c.room(); err == nil || !strings.Contains(err.Error(), "What had come was removed") {
			t.Errorf("room for %d bytes: %v", size, err)
		}
		if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("of %d bytes is left: %v", size, err)
		}
	}
	c, part := halfCopy(t, 1<<20)
	if err := c.room(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(part); err != nil {
		t.Error(err)
	}
}

// The free space is looked at while a copy comes, not only before.
func TestRoomIsLookedAtWhileWriting(t *testing.T) {
	c, part := halfCopy(t, 1<<20)
	if _, err := c.Write([]byte("some")); err != nil {
		t.Fatal(err)
	}
	c.want.Size = 1 << 50 // as if the disk had been filled by others
	if _, err := c.Write([]byte("some")); err != nil {
		t.Errorf("it is looked at for every few bytes: %v", err)
	}
	c.look = c.off
	if _, err := c.Write([]byte("more")); err == nil || c.bad == nil {
		t.Error("the free space is not looked at again")
	}
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
}

// A disk that is full ends the copy, and what has come of it goes.
func TestDiskFullWhileWriting(t *testing.T) {
	c, part := halfCopy(t, 1<<20)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.f.Close(); err != nil {
		t.Fatal(err)
	}
	c.f = full
	if _, err := c.Write([]byte("more")); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "what had come was removed") {
		t.Errorf("it says %v", err)
	}
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
}
