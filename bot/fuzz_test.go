package bot_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

var hostile = []string{
	"<!channel> <@U1> <#C1> <https://evil|ok> <mailto:a@b>", "```\n*bold* `code`", "&lt;!here&gt; &amp;",
	"\x1b[2J\x1b]0;x\x07\u202e\u200b\x00\r\n", "\xff\xfe\x80", "<<<<!!!!@@@@", strings.Repeat("<@", 300), "password=x\n-----BEGIN PRIVATE KEY-----",
}

var live = regexp.MustCompile(`<[!@#A-Za-z]`)

// checkInert fails if a message could mention, link or steer a terminal.
func checkInert(t *testing.T, in string, blocks any, texts ...string) {
	t.Helper()
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range workspace.Validate(raw) {
		t.Errorf("%q: Slack would refuse it: %v", in, err)
	}
	var all any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	walk(all, func(s string) { texts = append(texts, s) })
	for _, s := range texts {
		if live.MatchString(s) {
			t.Errorf("%q: a mention or link in %q", in, s)
		}
		for _, r := range s {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == utf8.RuneError && !strings.ContainsRune(in, r) {
				t.Errorf("%q: %U in %q", in, r, s)
			}
		}
	}
}

func walk(v any, see func(string)) {
	switch v := v.(type) {
	case string:
		see(v)
	case []any:
		for _, v := range v {
			walk(v, see)
		}
	case map[string]any:
		for _, v := range v {
			walk(v, see)
		}
	}
}

func FuzzMessagesAreInert(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := newRun("r1", runs.Running, prod)
		r.Text, r.Request.Reason, r.Request.Operation, r.Remark, r.Trouble, r.Changed = s, s, s, s, s, s
		r.Next = als.Advice{Text: s, Commands: []string{s, s}, Offers: []string{s, s}}
		r.Verdict = &als.Verdict{Summary: s, Report: s, Next: r.Next}
		r.Plan = &als.Plan{
			Steps: []als.Step{{Name: s, Node: s, Argv: []string{s, s}}}, Facts: []als.Fact{{Name: s, Value: s}}, Notes: []string{s},
			Findings: []als.Finding{{Level: als.Stop, Text: s, Fix: als.Advice{Text: s}}},
		}
		r.Cluster.Name, r.Request.Cluster = s, s
		text, blocks, plain := bot.View(bot.RunMessage(bot.RunView{Run: r, Tail: []byte(s), Now: asked}))
		checkInert(t, s, blocks, text, plain)
		r.State = runs.Succeeded // now it has offers
		text, blocks, plain = bot.View(bot.RunMessage(bot.RunView{Run: r, Now: asked}))
		checkInert(t, s, blocks, text, plain)
		text, blocks, plain = bot.View(bot.ApprovalMessage(r, runs.Approval{Run: "r1", Cluster: s, Digest: "d", State: runs.ApprovalWaiting, Why: s}))
		checkInert(t, s, blocks, text, plain)
		text, blocks, plain = bot.View(bot.AnswerMessage(jobs.Answer{Text: s, Pre: s}))
		checkInert(t, s, blocks, text, plain)
		if clean := bot.Clean(s); strings.Trim(clean, "\n") != "" {
			checkInert(t, s, bot.Preformatted(clean), bot.Escape(clean))
		}
	})
}

func FuzzPayloads(f *testing.F) {
	for _, s := range []string{
		commandBody("1"),
		`{"team_id":"T1","user_id":"U1","command":"/als","text":"a &lt;b&gt;","trigger_id":"1"}`,
		`{"type":"block_actions","trigger_id":"1","user":{"id":"U1"},"actions":[{"action_id":"approve","value":"r1 0123"}]}`,
		`{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","callback_id":"reject","private_metadata":"r1 0123 C1","state":{"values":{"why":{"why":{"value":"x"}}}}}}`,
		`{"type":"event_callback","event":{"type":"app_mention","user":"U1","channel":"C1","ts":"1.1","text":"<@U0ALSBOT> status <@U2|x>"}}`,
		`{"type":"url_verification","challenge":"x"}`, `{"user":[]}`, `[`, strings.Repeat(`{"a":`, 2000), "a=%zz&b", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := bot.ParseForm(raw)
		checkComplete(t, form, err)
		cmd, err := bot.ParseCommand(raw)
		checkComplete(t, cmd, err)
		press, err := bot.ParseInteraction(raw)
		checkComplete(t, press, err)
		mention, _, err := bot.ParseEvent(raw)
		checkComplete(t, mention, err)
	})
}

// checkComplete fails if a delivery that would have an effect doesn't say who
// sent it.
func checkComplete(t *testing.T, d bot.Parsed, err error) {
	t.Helper()
	if err != nil && d.Kind != 0 {
		t.Errorf("an error and an effect: %+v", d)
	}
	if d.Kind != 0 && (d.User == "" || d.Key == "") {
		t.Errorf("an effect without author or key: %+v", d)
	}
}
