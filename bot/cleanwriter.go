package bot

import (
	"bytes"
	"io"

	"alsbot/als"
)

// cleanWriter cleans output that is too long for memory. It cleans whole lines,
// or pieces so large that no cut can split a secret.
type cleanWriter struct {
	cleaner cleaner
	to      io.Writer
	key     keyBlock
	buf     []byte
}

const (
	cleanChunk    = 64 << 10  // cleaned at once if it ends in a newline
	maxLineBuffer = 256 << 10 // a longer line is cut
	cutOverlap    = 8 << 10   // kept back at such a cut: longer than any secret
)

// Write cleans what is complete and keeps the rest for later. It returns errors
// of the underlying writer.
func (w *cleanWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	if len(w.buf) < cleanChunk {
		return len(p), nil
	}
	at := bytes.LastIndexByte(w.buf, '\n') + 1
	if at == 0 && len(w.buf) >= maxLineBuffer {
		at = w.safeCut()
	}
	if at == 0 {
		return len(p), nil
	}
	err := w.pass(w.buf[:at])
	w.buf = append(w.buf[:0], w.buf[at:]...)
	return len(p), err
}

// safeCut returns where to cut a line that doesn't end: after a blank in the
// older part, else at the end of that part. It cuts no control sequence and no
// word of a sane length.
func (w *cleanWriter) safeCut() int {
	old := w.buf[:len(w.buf)-cutOverlap]
	if at := bytes.LastIndexAny(old[len(old)-cutOverlap:], " \t,;"); at >= 0 {
		return len(old) - cutOverlap + at + 1
	}
	return len(old)
}

// Close cleans and writes the rest.
func (w *cleanWriter) Close() error {
	err := w.pass(w.buf)
	w.buf = nil
	return err
}

func (w *cleanWriter) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	text := w.cleaner.secrets.maskPart(&w.key, newlines(als.StripANSI(string(p))))
	_, err := io.WriteString(w.to, visible(text))
	return err
}
