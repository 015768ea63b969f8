package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/time/rate"

	"alsbot/als"
	"alsbot/executor"
)

const (
	savePause = 3 * time.Second // before a connection that was lost is tried again
	saveTries = 100             // in a row that bring nothing
	// savesAtOnce is how many tries come at once after others that brought
	// something. A node may send a byte each time.
	savesAtOnce = 10
)

// read runs a step once over a plain exec. What it prints goes to the store,
// or into the file that it is for.
func (w *worker) read(ctx context.Context, k *stepRecorder) (int, error) {
	if k.rec.Step.Save == nil {
		return w.exec.Exec(ctx, k.target, k.rec.Step.Command(), k)
	}
	return w.save(ctx, k, *k.rec.Step.Save)
}

// save brings a step's bytes into a file on this host. It goes on where an
// earlier call was cut off, by a crash or by the network, and the file gets
// its name only when it is whole: then it has the length and the SHA-256 that
// were asked for, and is on disk.
func (w *worker) save(ctx context.Context, k *stepRecorder, s als.Save) (int, error) {
	c, err := openCopy(ctx, s)
	if err != nil {
		return 0, err
	}
	defer c.close()
	c.came = func(n int64) { k.line("%s of %s", humanize.IBytes(uint64(n)), humanize.IBytes(uint64(s.Size))) }
	for {
		if !c.whole() {
			if status, err := w.stream(ctx, k, c); status != 0 || err != nil {
				return status, err
			}
		}
		sum := c.sum()
		switch {
		case sum == s.SHA256:
			if err := c.keep(); err != nil {
				return 0, err
			}
			k.line("path=%s\nsize=%d\nsha256=%s\nstate=saved", c.path(), s.Size, sum)
			return 0, nil
		case !c.resumed:
			k.line("sha256=%s\nstate=different", sum)
			return 1, c.drop()
		}
		// What was there of an earlier try may not be what it was. Once more.
		if err := c.restart(); err != nil {
			return 0, err
		}
	}
}

// stream takes in what is still to come. A connection that is lost is tried
// again; a status other than 0 is the node's, and then nothing is kept.
func (w *worker) stream(ctx context.Context, k *stepRecorder, c *fileCopy) (int, error) {
	atOnce := rate.NewLimiter(rate.Every(savePause), savesAtOnce)
	for tries := 0; ; tries++ {
		if err := c.room(); err != nil {
			return 0, err
		}
		before := c.off
		argv := append(k.rec.Step.Argv[:len(k.rec.Step.Argv):len(k.rec.Step.Argv)], strconv.FormatInt(c.off+1, 10))
		status, err := w.exec.Exec(ctx, k.target, argv, c)
		if tries > 0 && c.off > before {
			tries = 0
			k.remark("")
		}
		var of *executor.Error
		switch {
		case c.bad != nil:
			return 0, c.bad
		case ctx.Err() != nil:
			return 0, err
		case err == nil && status != 0:
			return status, c.drop()
		case c.whole():
			return 0, nil
		case err == nil:
			err = fmt.Errorf("%s has sent %d of %d bytes", k.target.Name, c.off, c.want.Size)
		case !errors.As(err, &of) || of.Kind != executor.Unreachable && of.Kind != executor.Interrupted:
			return 0, err
		}
		if tries >= saveTries {
			return 0, err
		}
		if tries == 0 && atOnce.Allow() { // the first try after a connection was lost comes at once
			continue
		}
		k.remark(err.Error() + ". What has come is kept, and alsbot goes on trying")
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(savePause):
		}
	}
}

// line adds to what is on record as the step's output.
func (k *stepRecorder) line(format string, args ...any) {
	if _, err := fmt.Fprintf(k, format+"\n", args...); err != nil {
		k.w.log.Error("noting how far a copy is", "run", k.run, "error", err)
	}
}
