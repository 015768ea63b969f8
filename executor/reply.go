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

// What a node sends back is
//
//	ALSB1 NONCE state=S rc=N|- size=N off=N len=N
//	LEN raw bytes
//	ALSB1 NONCE end sum=SHA256|-
//
// or ALSB1 NONCE error=CODE TEXT. Anything may stand before it: a login can
// be noisy. Whatever is not exactly this is no answer at all, and never the
// end of a command.

// maxNoise is how much is skipped in search of a reply.
const maxNoise = 64 << 10

// heldBack is how many bytes are kept back until the line behind the output
// has been seen. If a node sends less output than it announced, that line,
// which is shorter, would be taken for output.
const heldBack = 256

var errOdd = errors.New("the reply is not one")

func odd(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errOdd, fmt.Sprintf(format, args...))
}

// header is the first line of a reply.
type header struct {
	state          string
	rc             int // only with state finished
	size, off, len int64
	run, cmd       string // of list; the command's first 300 bytes, "" if it was cleaned
	at             int64  // of list, on a line of its own: when run ended or, without an end, began; Unix seconds
	end            bool   // of list: there are no more
	sum            string // of the last line, "" is none
}

// refusal is an error that the node's side of the protocol reports.
type refusal struct{ code, text string }

func (r *refusal) Error() string { return r.code + ": " + r.text }

// replyReader reads one reply.
type replyReader struct {
	*bufio.Reader
	nonce string
	noise []byte // the end of what came before
}

func newReplyReader(r io.Reader, nonce string) *replyReader {
	return &replyReader{Reader: bufio.NewReaderSize(r, 4<<10), nonce: nonce}
}

// line returns the next line that is addressed to us, without our address.
func (r *replyReader) line() (string, error) {
	skipped, whole := 0, true
	for {
		p, err := r.ReadSlice('\n')
		if whole && err == nil {
			if text, ours := r.ours(p); ours {
				return text, nil
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		whole = err == nil
		r.remember(p)
		if skipped += len(p); skipped > maxNoise {
			return "", odd("%d bytes of something else", skipped)
		}
	}
}

func (r *replyReader) ours(p []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(p, []byte("ALSB1 "+r.nonce+" "))
	return string(bytes.TrimSuffix(rest, []byte("\n"))), ok
}

func (r *replyReader) remember(p []byte) {
	const keep = 512
	r.noise = append(r.noise, p...)
	r.noise = r.noise[max(0, len(r.noise)-keep):]
}

// header reads the first line, or the next one of a list.
func (r *replyReader) header() (header, error) {
	text, err := r.line()
	if err != nil {
		return header{}, err
	}
	return parseHeader(text)
}

// body hands n bytes to emit, in pieces of at most len(buf), and then reads
// the last line, whose sum it returns.
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
	text, ours := r.ours(line)
	if !ours {
		return "", odd("its length is wrong")
	}
	last, err := parseHeader(text)
	if err != nil {
		return "", err
	}
	if !last.end {
		return "", odd("it has no end")
	}
	if have > 0 {
		err = emit(buf[:have])
	}
	return last.sum, err
}

// parseHeader reads what stands behind "ALSB1 NONCE ".
func parseHeader(text string) (header, error) {
	if rest, ok := strings.CutPrefix(text, "error="); ok {
		code, detail, _ := strings.Cut(rest, " ")
		return header{}, &refusal{code: visible(code), text: visible(detail)}
	}
	var h header
	if rest, ok := strings.CutPrefix(text, "end sum="); ok {
		if rest == "-" {
			return header{end: true}, nil
		}
		if len(rest) != 64 || strings.Trim(rest, "0123456789abcdef") != "" {
			return h, odd("sum %q", visible(rest))
		}
		return header{end: true, sum: rest}, nil
	}
	if rest, ok := strings.CutPrefix(text, "at="); ok {
		at, run, _ := strings.Cut(rest, " run=./")
		if h.at, ok = number(at, true); !ok || !validID(run) {
			return header{}, odd("%q", visible(text))
		}
		h.run = run
		return h, nil
	}
	keys := []string{"state", "rc", "size", "off", "len"}
	if strings.HasPrefix(text, "run=") {
		keys = []string{"run", "state", "rc", "size"}
		text, h.cmd, _ = strings.Cut(text, " cmd=")
	}
	fields := strings.Split(text, " ")
	if len(fields) != len(keys) {
		return h, odd("%q", visible(text))
	}
	var rc string
	for i, key := range keys {
		value, ok := strings.CutPrefix(fields[i], key+"=")
		switch key {
		case "state":
			h.state, ok = value, ok && states[value] != ""
		case "run":
			h.run, ok = value, ok && validID(value)
		case "rc":
			rc = value
		case "size":
			h.size, ok = number(value, ok)
		case "off":
			h.off, ok = number(value, ok)
		case "len":
			h.len, ok = number(value, ok)
		}
		if !ok {
			return header{}, odd("%q", visible(text))
		}
	}
	status, ok := number(rc, true)
	if h.rc = int(status); (h.state == "finished") != (ok && status <= 255) || (!ok && rc != "-") {
		return header{}, odd("%q", visible(text))
	}
	if h.len > h.size || h.off > h.size && h.len > 0 {
		return header{}, odd("%q", visible(text))
	}
	return h, nil
}

// number reads a plain decimal number, below 10^18.
func number(s string, ok bool) (int64, bool) {
	if !ok || s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" || (len(s) > 1 && s[0] == '0') {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
