package bot_test

import (
	"io"
	"strings"
	"testing"

	"alsbot/bot"
)

// BenchmarkCleanStream measures cleaning: long output is cleaned twice on its
// way into a file, the first time for its length.
func BenchmarkCleanStream(b *testing.B) {
	chunk := []byte(strings.Repeat("2026-11-23 03:00:00 \x1b[32mINFO\x1b[0m router: token refreshed for droplet 1234\n", 1000))
	b.SetBytes(int64(len(chunk)))
	w := bot.CleanStream(io.Discard, secret, botToken, appToken)
	for b.Loop() {
		if _, err := w.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}
