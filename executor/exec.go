package executor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exec runs a read-only command once, without a record on the node. It uses the
// same login environment as Run, an empty stdin, and copies stdout and stderr,
// in order, to out, without what a login profile prints. The status, 128+n for
// signal n, is valid only without an error. Exec never retries. The node must
// accept the command within 30 seconds; after that, ctx is the only limit.
func (x *Executor) Exec(ctx context.Context, t Target, argv []string, out io.Writer) (int, error) {
	if err := checkArgv(argv); err != nil {
		return 0, &Error{Kind: Setup, Node: t.Name, Doing: "running a command", Cause: err.Error(), Err: err}
	}
	nonce := nonce()
	line := loginLine(t, nonce, argv)
	if len(line) > maxLine {
		return 0, tooLong(t, len(line))
	}
	s, err := x.open(ctx, t, false, request{line: line, plain: true}, 0)
	if err != nil {
		return 0, contextError(ctx, t, err)
	}
	defer s.close()
	r := newReplyReader(s, nonce)
	if err := awaitBegin(r); err != nil {
		return 0, contextError(ctx, t, loginError(t, s, r, err))
	}
	if _, err := io.CopyBuffer(out, readerOnly{r.Reader}, make([]byte, 64<<10)); err != nil {
		return 0, contextError(ctx, t, withNode(t.Name, err))
	}
	status, err := s.status()
	return status, withNode(t.Name, err)
}

// readerOnly hides bufio.Reader's WriteTo, which would copy in small pieces.
type readerOnly struct{ r *bufio.Reader }

func (u readerOnly) Read(p []byte) (int, error) { return u.r.Read(p) }

// loginLine returns argv as a line for a login shell. The line prints a marker
// first, which separates the command's output from the login's.
func loginLine(t Target, nonce string, argv []string) string {
	mark := `printf '\nALSB1 ` + nonce
	command := Quote([]string{mark + ` begin\n' && exec ` + Quote(argv)}) + " </dev/null 2>&1"
	if user := t.suUser(); user != "" {
		return anyShell("u=" + Quote([]string{user}) + "\n" + suShell + mark + ` error=shell %s\n' "$s"; exit 126` + "\nesac\n" +
			`exec su - "$u" "$@" -c ` + command)
	}
	return anyShell("case ${SHELL##*/} in sh|ash|bash|dash|ksh|mksh|zsh) ;; *) SHELL=/bin/sh ;; esac; " +
		`exec "$SHELL" -l -c ` + command)
}

// suShell chooses su's arguments for the user $u by that user's shell $s. The
// command is for a Bourne shell; csh and fish would read it otherwise. A shell
// that lets nobody in stays. The line goes on with what happens to an unknown
// one. node/child.sh does the same.
const suShell = `s=$(getent passwd "$u" 2>/dev/null); s=${s##*:}; set --
case ${s##*/} in
"" | sh | ash | bash | dash | ksh | mksh | zsh | nologin | false) ;;
csh | tcsh | bsd-csh | fish) set -- -s /bin/sh ;;
*) `

// suUser returns the user to become with su, "" if the login user runs the
// command.
func (t Target) suUser() string {
	if t.RunAs == t.User {
		return ""
	}
	return t.RunAs
}

func awaitBegin(r *replyReader) error {
	text, err := r.line()
	if shell, refused := strings.CutPrefix(text, "error=shell "); err == nil && refused {
		return &refusal{code: "shell", text: visible(shell)}
	}
	if err == nil && text != "begin" {
		err = badReply("%q", visible(text))
	}
	return err
}

// loginError explains why a login did not get to the command.
func loginError(t Target, s *stream, r *replyReader, err error) error {
	var unknown *refusal
	if errors.As(err, &unknown) {
		e := &Error{Kind: Setup, Node: t.Name, Doing: "running a command", Err: err}
		e.Cause = fmt.Sprintf("the login shell of %s is %s, which alsbot doesn't know, so nothing was carried out", t.suUser(), unknown.text)
		return e.advised("give that user a Bourne shell: on the node, %s", "chsh -s /bin/bash "+t.suUser())
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, errBadReply) {
		return withNode(t.Name, err)
	}
	if errors.Is(err, io.EOF) {
		status, lost := s.status()
		if lost != nil {
			return withNode(t.Name, lost)
		}
		err = fmt.Errorf("the login shell ended with status %d", status)
	}
	e := &Error{Kind: Node, Node: t.Name, Doing: "running a command", Err: err}
	e.Cause = fmt.Sprintf("%v, and nothing shows that the command began: %s", err, visible(string(r.noise)+" "+s.stderr.String()))
	e.Next = "check run_as, and that the user's login works and ends in a Bourne shell"
	return e
}

// contextError returns an error that says so if ctx has ended, else err.
func contextError(ctx context.Context, t Target, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%s: running a command: %w", t.Name, ctx.Err())
	}
	return err
}

func tooLong(t Target, n int) error {
	return &Error{Kind: Setup, Node: t.Name, Doing: "running a command", Cause: fmt.Sprintf("the command line is too long: %d of %d bytes", n, maxLine)}
}
