package main

import "testing"

// A node's output can't steer the terminal or hide a part of itself on it.
func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202eb":               `a\u{202e}b`,
		"a\u200bb":               `a\u{200b}b`,
		"a\u2066b":               `a\u{2066}b`,
		"a\u034fb\u3164c\uffa0d": `a\u{34f}b\u{3164}c\u{ffa0}d`,
		"a\x1b[31mb\x1b[0m":      "ab",
		"a\u009b31mb":            `a\x9b31mb`,
		"a\x1b]0;title\x07b":     "ab",
		"a\x07b\x08c\x00":        `a\x07b\x08c\x00`,
		"10%\r20%\r\ndone":       "10%\n20%\ndone",
		"two\nlines\tand a tab":  "two\nlines\tand a tab",
	} {
		if got := inert(in); got != want {
			t.Errorf("%q is shown as %q, not %q", in, got, want)
		}
	}
}

// A node can print what looks like alsbot's own words.
func TestNoLineOfANodePassesForAlsbots(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "\n": "",
		"a\n\nrun k3v9t2: succeeded\n": "| a\n| \n| run k3v9t2: succeeded",
		"a\rrun k3v9t2: succeeded":     "| a\n| run k3v9t2: succeeded",
	} {
		if got := marked(inert(in), "| "); got != want {
			t.Errorf("%q is shown as %q", in, got)
		}
	}
}
