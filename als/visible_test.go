package als_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/als"
)

// unseen are characters that people don't see in a text, or that change what
// they see.
var unseen = map[string]rune{
	"combining grapheme joiner": '\u034f', "Hangul Choseong filler": '\u115f', "Hangul Jungseong filler": '\u1160', "Khmer inherent AQ": '\u17b4',
	"Khmer inherent AA": '\u17b5', "Hangul filler": '\u3164', "halfwidth Hangul filler": '\uffa0', "Mongolian vowel separator": '\u180e',
	"Braille blank": '\u2800', "variation selector 16": '\ufe0f', "variation selector 17": '\U000e0100', "Mongolian variation selector": '\u180b',
	"musical null notehead": '\U0001d159', "musical begin beam": '\U0001d173', "musical end phrase": '\U0001d17a', "soft hyphen": '\u00ad',
	"left-to-right mark": '\u200e', "right-to-left mark": '\u200f', "Arabic letter mark": '\u061c', "embedding": '\u202a', "override": '\u202e',
	"pop": '\u202c', "isolate": '\u2066', "pop isolate": '\u2069', "zero-width blank": '\u200b', "zero-width joiner": '\u200d', "word joiner": '\u2060',
	"invisible times": '\u2062', "byte order mark": '\ufeff', "tag": '\U000e0041', "line separator": '\u2028', "paragraph separator": '\u2029',
	"interlinear anchor": '\ufff9', "reserved ignorable": '\ufff0', "private use": '\ue000', "shorthand overlap": '\U0001bca0',
}

func TestInvisibleCharactersAreRefusedInCommandsAndShown(t *testing.T) {
	t.Parallel()
	for name, r := range unseen {
		if !als.Invisible(r) {
			t.Errorf("%s U+%04X counts as visible", name, r)
		}
		if got, want := als.Visible("a"+string(r)+"b"), fmt.Sprintf(`a\u{%x}b`, r); got != want {
			t.Errorf("%s U+%04X is shown as %q, not %q", name, r, got, want)
		}
		for _, text := range []string{`restart router --reason "x` + string(r) + `y" @prod`, "restart router @pr" + string(r) + "od", "re" + string(r) + "start router @prod", "restart rou" + string(r) + "ter @prod"} {
			_, err := als.Parse(text, als.Operations)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("U+%04X", r)) {
				t.Errorf("%s: %q is answered %v", name, text, err)
			}
		}
	}
}

func TestVisibleLeavesWhatPeopleSee(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\ttext\nof two lines":                               "plain\ttext\nof two lines",
		"é ü Привет שלום مرحبا 한국":                                "é ü Привет שלום مرحبا 한국",
		"⚠️ ♻️ ▶️ ❤︎":                                             "⚠️ ♻️ ▶️ ❤︎",
		"pro\ufe0fd":                                              `pro\u{fe0f}d`,
		"a\u0301\u0323\u0302\u0308b":                              "a\u0301\u0323\u0302\u0308b",
		"Z" + strings.Repeat("\u0335", 4) + "\u0489\u0489y\u0301": "Z" + strings.Repeat("\u0335", 4) + `\u{489}\u{489}y` + "\u0301",
		"1\ufe0f":                  `1\u{fe0f}`,
		"a\x1b[31mb\x00\x7f\u009b": `a\x1b[31mb\x00\x7f\x9b`,
		"bad \xff\xfe bytes":       `bad \xff\xfe bytes`,
		"a\u00a0b\u3000c":          "a\u00a0b\u3000c",
		"�":                        "�",
		"strike\u0336":             "strike\u0336",
	} {
		if got := als.Visible(in); got != want {
			t.Errorf("%q is shown as %q, not %q", in, got, want)
		}
	}
}

// Slack puts no-break spaces into what is copied from its own messages; macOS
// types them with Option.
func TestEveryKindOfBlankSeparatesWords(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{"\u00a0", "\u1680", "\u2000", "\u2002", "\u2003", "\u2007", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000", " \u00a0 "} {
		text := strings.ReplaceAll(`_stop_dea_--node_10.0.0.12_--reason_"a_b"_@prod_`, "_", blank)
		r, err := als.Parse(text, als.Operations)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := als.Command(r); strings.Join(strings.Fields(got), " ") != `stop dea --node 10.0.0.12 --reason "a b" @prod` {
			t.Errorf("%q was read as %s", text, got)
		}
		if strings.Contains(als.Command(r), "\u00a0") {
			t.Errorf("%q keeps the odd blank: %q", text, als.Command(r))
		}
	}
	if _, err := als.Parse("stop dea\u0085@prod", als.Operations); err == nil {
		t.Error("a control character counts as a blank")
	}
}
