package executor_test

import (
	"bytes"
	"strings"
	"testing"

	"alsbot/executor"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// goodReplies are complete replies; hostileReplies must never count as one.
var goodReplies = []string{
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"stdin: is not a tty\n\nALSB1 N state=finished rc=255 size=5 off=0 len=5\nab\x00\n!ALSB1 N end sum=" + sum + "\n",
	strings.Repeat("motd\n", 9000) + "ALSB1 N state=running rc=- size=9 off=9 len=0\nALSB1 N end sum=-\n",
}

var hostileReplies = []string{
	"",
	"finished",
	"ALSB1 M state=finished rc=0 size=0 off=0 len=0\nALSB1 M end sum=-\n",
	"ALSB2 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"xALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=abc\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 M end sum=-\n",
	"ALSB1 N state=finished rc=0 size=5 off=0 len=5\nabcALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=5 off=0 len=5\nabcdefgALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=- size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc= size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=256 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=-1 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=+0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=00 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=running rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=Finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=-1 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=9999999999999999999 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=5\nabcdeALSB1 N end sum=-\n",
	"ALSB1 N rc=0 state=finished size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0 extra=1\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished  rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	"ALSB1 N state=finished rc=0 size=0 off=0 len=0\r\nALSB1 N end sum=-\r\n",
	"ALSB1 N error=space no room\n",
	"ALSB1 N end sum=-\n",
	strings.Repeat("x", 70<<10) + "\nALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
	strings.Repeat("x", 9<<10) + "ALSB1 N state=finished rc=0 size=0 off=0 len=0\nALSB1 N end sum=-\n",
}

func TestReadReply(t *testing.T) {
	t.Parallel()
	for _, text := range goodReplies {
		if _, _, _, err := executor.ReadReply(strings.NewReader(text), "N", ignore); err != nil {
			t.Errorf("%.90q: %v", text, err)
		}
	}
	for _, text := range hostileReplies {
		state, rc, _, err := executor.ReadReply(strings.NewReader(text), "N", ignore)
		if err == nil {
			t.Errorf("%.90q: %s %d", text, state, rc)
		}
	}
}

// If a node sends less than it announced, its protocol must not pass for
// output.
func TestReadReplyShort(t *testing.T) {
	t.Parallel()
	for _, short := range []int{1, 20, 100, 5000} {
		data := strings.Repeat("d", 600<<10)
		text := "ALSB1 N state=running rc=- size=614400 off=0 len=614400\n" + data[short:] + "ALSB1 N end sum=-\n"
		var got bytes.Buffer
		_, _, _, err := executor.ReadReply(strings.NewReader(text), "N", func(p []byte) error { got.Write(p); return nil })
		if err == nil || strings.Trim(got.String(), "d") != "" || got.Len() < 500<<10 {
			t.Errorf("%d short: %v, %d bytes", short, err, got.Len())
		}
	}
}

func ignore([]byte) error { return nil }

func FuzzReadReply(f *testing.F) {
	for _, text := range append(goodReplies, hostileReplies...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		n := 0
		state, rc, sum, err := executor.ReadReply(bytes.NewReader(p), "N", func(p []byte) error { n += len(p); return nil })
		if n > len(p) {
			t.Errorf("%d bytes of %d", n, len(p))
		}
		if err != nil {
			return
		}
		if state == "" || rc < 0 || rc > 255 || (rc != 0 && state != "finished") || (sum != "" && len(sum) != 64) {
			t.Errorf("%q %d %q", state, rc, sum)
		}
		if state == "finished" && !bytes.Contains(p, []byte("ALSB1 N state=finished rc=")) {
			t.Error("finished out of nothing")
		}
	})
}
