package bot_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"alsbot/bot"
)

const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

// frame returns one frame of a server.
func frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return string(b) + payload
}

func TestFrameFilter(t *testing.T) {
	t.Parallel()
	hello := frame(0x81, `{"type":"hello"}`)
	ping := frame(0x89, "ping")
	command := frame(0x81, `{"type":"slash_commands","payload":{"text":"disconnect","type":"disconnect"}}`)
	long := frame(0x81, `{"type":"interactive","x":"`+strings.Repeat("disconnect ", 9000)+`"}`)
	middle := frame(0x81, `{"x":"`+strings.Repeat("y", 300)+`"}`)
	part := frame(0x01, `{"type":"dis`) + frame(0x80, `connect"}`)
	notice := frame(0x81, `{"type":"disconnect","reason":"warning","debug_info":{"host":"x"}}`)
	goodbye := frame(0x88, "\x03\xe8")
	in := upgraded + hello + ping + notice + command + long + middle + part + notice + goodbye
	want := strings.ReplaceAll(in, notice, "")
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(in),
		"byte by byte": iotest.OneByteReader(strings.NewReader(in)),
		"by halves":    iotest.HalfReader(strings.NewReader(in)),
	} {
		var reasons []string
		got, err := io.ReadAll(bot.FrameFilter(r, func(reason string) { reasons = append(reasons, reason) }))
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes instead of %d, %v", name, len(got), len(want), err)
		}
		if strings.Join(reasons, " ") != "warning warning" {
			t.Errorf("%s: noticed %q", name, reasons)
		}
	}
	refused := "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n\x81\x03abc"
	if got, err := io.ReadAll(bot.FrameFilter(strings.NewReader(refused), nil)); err != nil || string(got) != refused {
		t.Errorf("a refusal reads %q, %v", got, err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte(upgraded + frame(0x81, `{"type":"disconnect"}`) + frame(0x89, "")))
	f.Add([]byte(upgraded + "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte(upgraded + "\x81\xfe\x00"))
	f.Add([]byte("HTTP/1.1 500 x\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		notices := 0
		got, err := io.ReadAll(bot.FrameFilter(bytes.NewReader(raw), func(string) { notices++ }))
		if len(got) > len(raw) || notices == 0 && err == nil && !bytes.HasPrefix(raw, got) {
			t.Errorf("%q became %q, %v", raw, got, err)
		}
	})
}
