package node

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// own matches /etc/ and kato's data directories at the start of a path.
var own = regexp.MustCompile(`(^|[^A-Za-z0-9._/})-])/(etc|var/helion|var/stackato)/`)

// sh is the shell of a script that names those directories, which are the
// node's own. It maps them to directories below the node's on the way in, and
// back to the script's names on the way out. It never touches the real /etc.
func (t *tool) sh() int {
	args := make([]string, len(t.args))
	for i, arg := range t.args {
		args[i] = own.ReplaceAllString(arg, "${1}"+t.root+"/${2}/")
		if strings.Contains(arg, procMounts) {
			if err := t.writeMounts(); err != nil {
				return t.fail(126, "sh: %s", err)
			}
			args[i] = strings.ReplaceAll(args[i], procMounts, t.root+procMounts)
		}
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", args...)
	cmd.Env = t.inner()
	cmd.Stdin = os.Stdin
	out := &renamer{to: os.Stdout, from: []byte(t.root + "/etc/"), by: []byte("/etc/")}
	errs := out // one pipe keeps the order
	if !sameFile(os.Stdout, os.Stderr) {
		errs = &renamer{to: os.Stderr, from: out.from, by: out.by}
	}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	out.flush()
	errs.flush()
	if cmd.ProcessState == nil {
		return t.fail(126, "sh: %s", err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

// inner returns the environment for what a tool starts, without the variables
// that make this program a tool.
func (t *tool) inner() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SIM_NODE_") || strings.HasPrefix(v, "GORACE=")
	})
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// renamer replaces one path with another in what it writes. It holds back only
// a possible beginning of that path, so a prompt appears at once.
type renamer struct {
	to       io.Writer
	from, by []byte
	held     []byte
}

func (r *renamer) Write(p []byte) (int, error) {
	text := bytes.ReplaceAll(append(r.held, p...), r.from, r.by)
	n := min(len(text), len(r.from)-1)
	for n > 0 && !bytes.HasPrefix(r.from, text[len(text)-n:]) {
		n--
	}
	r.held = bytes.Clone(text[len(text)-n:])
	_, err := r.to.Write(text[:len(text)-n])
	return len(p), err
}

func (r *renamer) flush() {
	_, _ = r.to.Write(r.held)
	r.held = nil
}
