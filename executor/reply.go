package executor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A node replies with
//
//	ALSB1 NONCE state=S rc=N|- size=N off=N len=N
//	LEN raw bytes
//	ALSB1 NONCE end sum=SHA256|-
//
// or with ALSB1 NONCE error=CODE TEXT. Anything may stand before it: a login
// can be noisy. Whatever is not exactly this is no reply, and never ends a
// command.

// maxNoise is how many bytes a reader skips in search of a reply.
const maxNoise = 64 << 10

// heldBack is how many bytes the reader keeps until it has seen the last line.
// If a node sends less output than it announced, the last line, which is
// shorter, would pass for output.
const heldBack = 256

var errBadReply = errors.New("the reply is not one")

func badReply(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBadReply, fmt.Sprintf(format, args...))
}

// header is what one line of a reply says.
type header struct {
	state          string
	rc             int // of state finished
	size, off, len int64
	run, cmd       string // of a list; the command's first 300 bytes, "" if it was cleaned
	at             int64  // of a list, on a line of its own: when the run ended or, without an end, began; Unix seconds
	end            bool   // the last line, also of a list
	sum            string // of the last line, "" for none
}

// refusal is an error that the node's side reports.
type refusal struct{ code, text string }

func (r *refusal) Error() string { return r.code + ": " + r.text }

// replyReader reads one reply.
type replyReader struct {
	*bufio.Reader
	nonce string
	noise []byte // the end of what stood before the reply
}

func newReplyReader(r io.Reader, nonce string) *replyReader {
	return &replyReader{Reader: bufio.NewReaderSize(r, 4<<10), nonce: nonce}
}

// line returns the next line that has our nonce, without it.
func (r *replyReader) line() (string, error) {
	skipped, whole := 0, true
	for {
		p, err := r.ReadSlice('\n')
		if whole && err == nil {
			if text, ours := r.addressed(p); ours {
				return text, nil
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		whole = err == nil
		r.remember(p)
		if skipped += len(p); skipped > maxNoise {
			return "", badReply("%d bytes of something else", skipped)
		}
	}
}

func (r *replyReader) addressed(p []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(p, []byte("ALSB1 "+r.nonce+" "))
	return string(bytes.TrimSuffix(rest, []byte("\n"))), ok
}

func (r *replyReader) remember(p []byte) {
	const keep = 512
	r.noise = append(r.noise, p...)
	r.noise = r.noise[max(0, len(r.noise)-keep):]
}

// header reads the first line, or the next line of a list.
func (r *replyReader) header() (header, error) {
	text, err := r.line()
	if err != nil {
		return header{}, err
	}
	return parseHeader(text)
}

// body passes n bytes to emit, in pieces of at most len(buf), then reads the
// last line and returns its sum.
func (r *replyReader) body(n int64, buf []byte, emit func([]byte) error) (sum string, err error) {
	have := 0
	for n > 0 {
		m, err := r.Read(buf[have:min(int64(len(buf)), int64(have)+n)])
		if err != nil {
			return "", err
		}
		n -= int64(m)
		have += m
		if sure := have - heldBack; n > 0 && sure > 0 {
			if err := emit(buf[:sure]); err != nil {
				return "", err
			}
			have = copy(buf, buf[sure:have])
		}
	}
	line, err := r.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return "", err
	}
	text, ours := r.addressed(line)
	if !ours {
		return "", badReply("its length is wrong")
	}
	last, err := parseHeader(text)
	if err != nil {
		return "", err
	}
	if !last.end {
		return "", badReply("it has no end")
	}
	if have > 0 {
		err = emit(buf[:have])
	}
	return last.sum, err
}

// parseHeader reads what follows "ALSB1 NONCE ".
func parseHeader(text string) (header, error) {
	if rest, ok := strings.CutPrefix(text, "error="); ok {
		code, detail, _ := strings.Cut(rest, " ")
		return header{}, &refusal{code: visible(code), text: visible(detail)}
	}
	if sum, ok := strings.CutPrefix(text, "end sum="); ok {
		return parseEnd(sum)
	}
	h, ok := parseLine(text)
	if !ok {
		return header{}, badReply("%q", visible(text))
	}
	return h, nil
}

// parseEnd reads the sum of the last line.
func parseEnd(sum string) (header, error) {
	if sum == "-" {
		return header{end: true}, nil
	}
	if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return header{}, badReply("sum %q", visible(sum))
	}
	return header{end: true, sum: sum}, nil
}

// parseLine reads the first line of a reply, or a line of a list.
func parseLine(text string) (header, bool) {
	switch {
	case strings.HasPrefix(text, "at="):
		return parseListedTime(text)
	case strings.HasPrefix(text, "run="):
		return parseListed(text)
	}
	return parseState(text)
}

// parseState reads "state=S rc=N|- size=N off=N len=N".
func parseState(text string) (h header, ok bool) {
	values, ok := fieldValues(text, "state", "rc", "size", "off", "len")
	if !ok {
		return h, false
	}
	h.state = values[0]
	var rcOK, sizeOK, offOK, lenOK bool
	h.rc, rcOK = parseStatus(h.state, values[1])
	h.size, sizeOK = number(values[2])
	h.off, offOK = number(values[3])
	h.len, lenOK = number(values[4])
	inside := h.len <= h.size && (h.len == 0 || h.off <= h.size)
	return h, states[h.state] != "" && rcOK && sizeOK && offOK && lenOK && inside
}

// parseListed reads "run=ID state=S rc=N|- size=N" of a list, and the command
// that may follow.
func parseListed(text string) (h header, ok bool) {
	text, h.cmd, _ = strings.Cut(text, " cmd=")
	values, ok := fieldValues(text, "run", "state", "rc", "size")
	if !ok {
		return h, false
	}
	h.run, h.state = values[0], values[1]
	var rcOK, sizeOK bool
	h.rc, rcOK = parseStatus(h.state, values[2])
	h.size, sizeOK = number(values[3])
	return h, validID(h.run) && states[h.state] != "" && rcOK && sizeOK
}

// parseListedTime reads "at=SECONDS run=./ID" of a list.
func parseListedTime(text string) (h header, ok bool) {
	at, run, _ := strings.Cut(strings.TrimPrefix(text, "at="), " run=./")
	h.run = run
	h.at, ok = number(at)
	return h, ok && validID(run)
}

// fieldValues returns the values of "key=value" fields that have exactly
// these keys, in this order.
func fieldValues(text string, keys ...string) ([]string, bool) {
	fields := strings.Split(text, " ")
	if len(fields) != len(keys) {
		return nil, false
	}
	for i, key := range keys {
		value, ok := strings.CutPrefix(fields[i], key+"=")
		if !ok {
			return nil, false
		}
		fields[i] = value
	}
	return fields, true
}

// parseStatus reads an exit status, which a finished command has, and only a
// finished one.
func parseStatus(state, rc string) (int, bool) {
	if state != "finished" {
		return 0, rc == "-"
	}
	status, ok := number(rc)
	return int(status), ok && status <= 255
}

// number reads a plain decimal number below 10^18.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" || (len(s) > 1 && s[0] == '0') {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
