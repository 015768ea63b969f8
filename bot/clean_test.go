package bot_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/jobs"
)

const secret = "s3cr3t/Va+lue&42"

func TestClean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"plain":            {"Patches:\n  a  b", "Patches:\n  a  b"},
		"colours":          {"\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b(B", "red"},
		"broken colour":    {"\x1b[31", `\x1b[31`},
		"unclosed title":   {"\x1b]0;title\nnext", "\\x1b]0;title\nnext"},
		"controls":         {"a\x00b\x07c\x7f", `a\x00b\x07c\x7f`},
		"C1":               {"a\u009b31mb\x9bc", `a\x9b31mb\x9bc`},
		"bidi":             {"\u202egpj.exe\u2066x\u2069", `\u{202e}gpj.exe\u{2066}x\u{2069}`},
		"zero width":       {"pro\u200bd\ufeff", `pro\u{200b}d\u{feff}`},
		"separators":       {"a\u2028b", `a\u{2028}b`},
		"tags":             {"a\U000e0041", `a\u{e0041}`},
		"tabs":             {"a\tb\n\tc", "a       b\n        c"},
		"carriage returns": {"10%\r20%\r\ndone", "10%\n20%\ndone"},
		"invalid":          {"a\xff\xfeb", `a\xff\xfeb`},
		"letters":          {"Grüße, 日本語 ✅", "Grüße, 日本語 ✅"},
	} {
		if got := bot.Clean(c.in); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	b64 := base64.StdEncoding.EncodeToString
	for name, in := range map[string]string{
		"value":             "it is " + secret + ".",
		"query":             url.QueryEscape(secret),
		"hex":               hex.EncodeToString([]byte(secret)),
		"json":              `{"x":"s3cr3t/Va+lue\u002642"}`,
		"base64":            b64([]byte(secret)),
		"base64, shifted 1": b64([]byte("a" + secret + "bc")),
		"base64, shifted 2": b64([]byte("ab" + secret + "c")),
		"through colours":   "s3cr3t/\x1b[1mVa+lue\x1b[0m&42",
	} {
		got := bot.Clean(in, secret)
		if !strings.Contains(got, "••••••") || strings.Contains(got, "s3cr3t") || strings.Contains(got, b64([]byte(secret))[4:16]) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for in, leak := range map[string]string{
		"xoxb-123456789012-abcdefABCDEF":         "123456789012",
		"token=xapp-1-A0-123456":                 "A0-123456",
		"password: hunter2":                      "hunter2",
		`"db_password": "hunter 2"`:              "hunter",
		"API_KEY=abcdef":                         "abcdef",
		"Authorization: Bearer abcdefgh12345678": "abcdefgh12345678",
		"postgres://helion:hunter2@10.0.0.1/cc":  "hunter2",
		"a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----\nb": "MIIEow",
		"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow":                   "MIIEow",
		`{"key":"-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----"}`:           "MIIEow",
	} {
		if got := bot.Clean(in); strings.Contains(got, leak) {
			t.Errorf("%q: %q", in, got)
		}
	}
	cut := "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\nPatch installed on 3 nodes\n"
	if got := bot.Clean(cut); !strings.Contains(got, "Patch installed") {
		t.Errorf("a key that was cut short hides what follows: %q", got)
	}
}

// However output arrives, the stream cleans it as the whole text is cleaned,
// and no cut shows a secret.
func TestCleanStreamEqualsCleanWhole(t *testing.T) {
	t.Parallel()
	in := "one " + secret + " two\n\x1b[31mred\x1b[0m xoxb-123456789012-abcdef\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nend"
	want := bot.Clean(in, secret)
	for at := range len(in) {
		var out bytes.Buffer
		w := bot.CleanStream(&out, secret)
		for _, p := range []string{in[:at], in[at:]} {
			if _, err := w.Write([]byte(p)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Fatalf("cut at %d: %q, not %q", at, out.String(), want)
		}
	}
}

func TestCleanStreamWithoutNewlines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := bot.CleanStream(&out, secret)
	chunk := []byte(strings.Repeat("x", 997) + " " + secret + " ")
	total := 0
	for range 1000 {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
		total += len(chunk)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "s3cr3t") || strings.Contains(out.String(), "lue&42") {
		t.Error("a secret was cut in two and shown")
	}
	if n := strings.Count(out.String(), "••••••"); n != 1000 {
		t.Errorf("%d of 1000 secrets were masked", n)
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"status <@U123|prod>":               "status <@U123|prod>", // whom people may see as @staging
		"status <@U123>":                    "status <@U123>",
		"in <#C1|ops>":                      "in #ops",
		"<https://als.example|als.example>": "als.example",
		"<https://als.example/a?b=1&amp;c>": "https://als.example/a?b=1&c",
		"<mailto:a@b.c|a@b.c>":              "a@b.c",
		"<!here> <!subteam^S1|@ops>":        "@here @ops",
		"a &lt;b&gt; &amp;amp;":             "a <b> &amp;",
		" x ":                               "x",
	} {
		if got := bot.Unescape(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("äöü 12345\n", 1000)
	got := bot.Cut(long, 500)
	if n := utf8.RuneCountInString(got); n > 500 || n < 300 || !strings.Contains(got, "more lines") || !strings.HasPrefix(got, "äöü") {
		t.Errorf("%d code points: %q", n, got)
	}
	if bot.Cut("short", 500) != "short" {
		t.Error("what fits is cut")
	}
	for _, p := range bot.Pieces(long) {
		if utf8.RuneCountInString(p) > 3500 || strings.HasSuffix(p, "ä") {
			t.Errorf("a piece of %d code points", utf8.RuneCountInString(p))
		}
	}
}

// No typed command that can be approved has a part that is masked: an approver
// would not see what it is.
func TestWhatIsApprovedIsNotMasked(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"import cluster /mnt/nas/token=a/old.tgz", "import cluster /mnt/secret:new.tgz", "import node /mnt/api_key=/x.tgz", "export cluster /mnt/password=/x.tgz",
		"relocate services /mnt/pwd=x/y", "relocate droplets /mnt/passphrase:/y", "quota enable /mnt/pass=x", "import cluster pass=host", "import cluster secret-key.tgz@host:x",
	} {
		req, err := als.Parse(text, jobs.Operations)
		if err != nil {
			continue
		}
		if typed := als.Command(req); bot.Clean(typed) != typed {
			t.Errorf("%s is shown as %s", typed, bot.Clean(typed))
		}
	}
}
