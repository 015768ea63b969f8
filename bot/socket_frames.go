package bot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
)

// frameFilter passes on what a WebSocket server sends, except Slack's
// announcement that it will close the socket. slack-go would drop the socket at
// once and lose what people type before the next one is open. The filter
// reports the announcement instead, so that the next socket can be opened
// first.
type frameFilter struct {
	in      *bufio.Reader
	leaving func(reason string)

	phase       phase
	lines       int    // of the handshake
	pending     []byte // bytes to return before reading more
	passThrough uint64 // bytes of a frame that still pass unread
}

type phase int

const (
	handshake phase = iota // the answer to the HTTP request
	framed                 // WebSocket frames
	opaque                 // anything: the handshake failed
)

const (
	maxDisconnect = 4 << 10 // payload of a disconnect message
	opText        = 1
)

func newFrameFilter(r io.Reader, leaving func(string)) *frameFilter {
	return &frameFilter{in: bufio.NewReaderSize(r, 8<<10), leaving: leaving}
}

// Read returns the next bytes that are not an announcement.
func (f *frameFilter) Read(p []byte) (int, error) {
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case len(f.pending) > 0:
			n := copy(p, f.pending)
			f.pending = f.pending[n:]
			return n, nil
		case f.passThrough > 0:
			n, err := f.in.Read(p[:min(uint64(len(p)), f.passThrough)])
			f.passThrough -= uint64(n)
			return n, err
		case f.phase == opaque:
			return f.in.Read(p)
		}
		var err error
		if f.phase == handshake {
			err = f.handshakeLine()
		} else {
			err = f.nextFrame()
		}
		if err != nil {
			return 0, err
		}
	}
}

// handshakeLine reads one line of the answer to the handshake.
func (f *frameFilter) handshakeLine() error {
	line, err := f.in.ReadBytes('\n')
	if err != nil && len(line) == 0 {
		return err
	}
	f.pending = line
	switch f.lines++; {
	case f.lines == 1 && !bytes.HasPrefix(line, []byte("HTTP/1.1 101 ")):
		f.phase = opaque
	case bytes.Equal(line, []byte("\r\n")):
		f.phase = framed
	}
	return nil
}

// nextFrame reads the next frame. It reads a short text frame completely, and
// passes on everything but an announcement unchanged.
func (f *frameFilter) nextFrame() error {
	head, n, err := f.header()
	if err != nil {
		return err
	}
	if final := head[0]&0x80 != 0; !final || head[0]&0x0f != opText || n > maxDisconnect {
		f.passThrough = uint64(len(head)) + n
		return nil
	}
	whole := make([]byte, uint64(len(head))+n)
	if _, err := io.ReadFull(f.in, whole); err != nil {
		return err
	}
	var m struct{ Type, Reason string }
	payload := whole[len(head):]
	if bytes.Contains(payload, []byte("disconnect")) && json.Unmarshal(payload, &m) == nil && m.Type == "disconnect" {
		f.leaving(m.Reason)
		return nil
	}
	f.pending = whole
	return nil
}

// header peeks at a frame's header and returns it with the payload's length.
func (f *frameFilter) header() ([]byte, uint64, error) {
	head, err := f.in.Peek(2)
	if err != nil {
		return nil, 0, tooLongIsFrameError(err)
	}
	size, n := 2, uint64(head[1]&0x7f)
	switch n {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if head[1]&0x80 != 0 {
		size += 4 // a mask, which a server must not send; the library reports that
	}
	if head, err = f.in.Peek(size); err != nil {
		return nil, 0, tooLongIsFrameError(err)
	}
	switch n {
	case 126:
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		n = binary.BigEndian.Uint64(head[2:])
		if n > 1<<40 {
			return nil, 0, errFrameLength
		}
	}
	return head, n, nil
}

var errFrameLength = errors.New("the server's frame has an absurd length")

// tooLongIsFrameError turns the error of a full buffer into errFrameLength.
func tooLongIsFrameError(err error) error {
	if errors.Is(err, bufio.ErrBufferFull) {
		return errFrameLength
	}
	return err
}
