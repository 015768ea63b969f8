package bot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"alsbot/bot"
	"alsbot/sim/workspace"
)

type workspaceMessage = workspace.Message

const form = "application/x-www-form-urlencoded"

func sign(at time.Time, body, secret string) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", ts, body)
	return http.Header{
		"X-Slack-Request-Timestamp": {ts},
		"X-Slack-Signature":         {"v0=" + hex.EncodeToString(mac.Sum(nil))},
	}
}

// post sends a body to the bot, signed unless a header is given.
func (s *stage) post(path, kind, body string, h http.Header) int {
	s.Helper()
	code, _ := s.postAnswer(path, kind, body, h)
	return code
}

// postAnswer is post that returns what was answered.
func (s *stage) postAnswer(path, kind, body string, h http.Header) (code int, answer string) {
	s.Helper()
	if h == nil {
		h = sign(time.Now(), body, signing)
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://"+s.cfg.HTTP.Listen+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Close = true // another bot may have the address next time
	req.Header = h.Clone()
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(said)
}

func commandBody(trigger string) string {
	return url.Values{"team_id": {"T0SIM"}, "user_id": {ann}, "channel_id": {prod}, "command": {"/als"}, "text": {"status"}, "trigger_id": {trigger}}.Encode()
}

func TestCheckSignature(t *testing.T) {
	t.Parallel()
	body := commandBody("1")
	now := time.Now()
	good := sign(now, body, signing)
	with := func(name string, values ...string) http.Header {
		h := good.Clone()
		h[name] = values
		return h
	}
	for name, h := range map[string]http.Header{
		"none":             {},
		"no signature":     with("X-Slack-Signature"),
		"no timestamp":     with("X-Slack-Request-Timestamp"),
		"empty signature":  with("X-Slack-Signature", ""),
		"two signatures":   with("X-Slack-Signature", good.Get("X-Slack-Signature"), good.Get("X-Slack-Signature")),
		"two timestamps":   with("X-Slack-Request-Timestamp", good.Get("X-Slack-Request-Timestamp"), "1"),
		"other version":    with("X-Slack-Signature", "v1="+strings.TrimPrefix(good.Get("X-Slack-Signature"), "v0=")),
		"no version":       with("X-Slack-Signature", strings.TrimPrefix(good.Get("X-Slack-Signature"), "v0=")),
		"cut":              with("X-Slack-Signature", good.Get("X-Slack-Signature")[:20]),
		"not hex":          with("X-Slack-Signature", "v0="+strings.Repeat("zz", 32)),
		"zeros":            with("X-Slack-Signature", "v0="+strings.Repeat("00", 32)),
		"other timestamp":  with("X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix()-1, 10)),
		"signed timestamp": with("X-Slack-Request-Timestamp", "+"+good.Get("X-Slack-Request-Timestamp")),
		"float timestamp":  with("X-Slack-Request-Timestamp", good.Get("X-Slack-Request-Timestamp")+".0"),
		"other secret":     sign(now, body, "another"),
		"empty secret":     sign(now, body, ""),
		"other body":       sign(now, body+"&x=1", signing),
		"too old":          sign(now.Add(-5*time.Minute-2*time.Second), body, signing),
		"too young":        sign(now.Add(10*time.Minute), body, signing),
	} {
		if err := bot.CheckSignature(h, []byte(body), signing); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := bot.CheckSignature(good, []byte(body), signing); err != nil {
		t.Errorf("the right one: %v", err)
	}
	if err := bot.CheckSignature(sign(now, body, ""), []byte(body), ""); err == nil {
		t.Error("an empty secret takes anything")
	}
}

func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	long := "text=" + strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		path, body string
		h          http.Header
		want       int
	}{
		"unsigned":          {"/slack/commands", commandBody("1"), http.Header{}, 401},
		"unsigned event":    {"/slack/events", `{"type":"url_verification","challenge":"x"}`, http.Header{}, 401},
		"unsigned press":    {"/slack/interactions", "payload={}", http.Header{}, 401},
		"too long":          {"/slack/commands", long, nil, 413},
		"no user":           {"/slack/commands", "command=/als", nil, 400},
		"no JSON":           {"/slack/interactions", "payload=x", nil, 400},
		"no JSON event":     {"/slack/events", "x", nil, 400},
		"another path":      {"/metrics", "", nil, 404},
		"long header":       {"/slack/commands", "", http.Header{"X-Long": {strings.Repeat("x", 64<<10)}}, 431},
		"url verification":  {"/slack/events", `{"type":"url_verification","challenge":"x"}`, nil, 200},
		"an event of a bot": {"/slack/events", `{"type":"event_callback","event":{"type":"app_mention","bot_id":"B1","user":"U0ANN","channel":"C0PROD","ts":"1.1","text":"status"}}`, nil, 200},
	} {
		if got := s.post(c.path, form, c.body, c.h); got != c.want {
			t.Errorf("%s: answered %d, not %d", name, got, c.want)
		}
	}
	if n := len(s.engine.asks()); n != 0 {
		t.Errorf("%d of them had an effect", n)
	}
}

// What no person has typed here and now is no command: messages of bots and
// workflows, edited ones, and files.
func TestWhatNoPersonTypedIsIgnored(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	event := func(more string) string {
		return `{"type":"event_callback","team_id":"T0SIM","event_id":"Ev1","event":{"type":"app_mention","user":"U0ANN","channel":"C0PROD","ts":"1795400000.000100","text":"<@U0ALSBOT> status"` + more + `}}`
	}
	for _, more := range []string{`,"bot_id":"B1"`, `,"app_id":"A1"`, `,"subtype":"bot_message"`, `,"subtype":"message_changed"`, `,"edited":{"user":"U0ANN","ts":"1795400001.000100"}`, `,"files":[{"id":"F1"}]`} {
		if got := s.post("/slack/events", "application/json", event(more), nil); got != http.StatusOK {
			t.Errorf("%s: answered %d", more, got)
		}
	}
	if got := s.post("/slack/events", "application/json", event(""), nil); got != http.StatusOK {
		t.Errorf("answered %d", got)
	}
	s.until("what a person typed is heard", func() bool { return len(s.engine.asks()) > 0 })
	s.stop()
	if n := len(s.engine.asks()); n != 1 {
		t.Errorf("%d commands were heard, not 1", n)
	}
}

func TestReplayHasOneEffect(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	body := commandBody("7.7")
	h := sign(time.Now(), body, signing)
	for i := range 4 {
		if i == 3 {
			s.stop()
			s.start()
		}
		if got := s.post("/slack/commands", form, body, h); got != 200 {
			t.Errorf("replay %d: answered %d", i, got)
		}
	}
	if n := len(s.engine.asks()); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestAnotherWorkspaceIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	code, says := s.postAnswer("/slack/commands", form, strings.Replace(commandBody("1"), "T0SIM", "T0EVIL", 1), nil)
	if n := len(s.engine.asks()); n != 0 {
		t.Errorf("%d commands were taken", n)
	}
	if code != 200 || !strings.Contains(says, strangerWords) { // as a mention and a press are answered
		t.Errorf("answered %d, %s", code, says)
	}
}

// A workspace of the same organization is told apart from a stranger's.
func TestSisterWorkspaceIsRefusedAsSuch(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, stageOptions{config: httpMode, tune: quickRetries, workspace: func(o *workspace.Options) { o.Org = "E0ORG" }})
	_, says := s.postAnswer("/slack/commands", form, strings.Replace(commandBody("1"), "T0SIM", "T0SISTER&enterprise_id=E0ORG", 1), nil)
	if !strings.Contains(says, "another workspace of your organization") || len(s.engine.asks()) != 0 {
		t.Errorf("answered %s", says)
	}
}

// Before Slack has said which workspace the bot belongs to, the bot takes no
// command; afterwards it takes those of its own workspace.
func TestCommandsAreRefusedBeforeIdentification(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	s.stop()
	s.ws.SetOutage(workspace.Outage503)
	s.start()
	for _, body := range []string{commandBody("1"), strings.Replace(commandBody("2"), "T0SIM", "T0EVIL", 1)} {
		if got := s.post("/slack/commands", form, body, nil); got != 200 || len(s.engine.asks()) != 0 {
			t.Errorf("answered %d, and %d commands were taken", got, len(s.engine.asks()))
		}
	}
	s.ws.SetOutage(workspace.OutageOff)
	s.until("its own workspace is heard", func() bool {
		s.post("/slack/commands", form, commandBody("3"), nil)
		return len(s.engine.asks()) == 1
	})
}

func TestCheckResponseURL(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	base, _ := url.Parse(s.cfg.Slack.APIURL)
	for raw, want := range map[string]bool{
		"https://hooks.slack.com/commands/T/1/x":      true,
		base.Scheme + "://" + base.Host + "/response": true,
		"http://hooks.slack.com/commands/T/1/x":       false,
		"https://hooks.slack.com.evil.org/x":          false,
		"https://hooks.slack.com@evil.org/x":          false,
		"https://user:pw@hooks.slack.com/x":           false,
		"https://hooks.slack.com:8443/x":              false,
		"https://evil.org/#hooks.slack.com":           false,
		"http://169.254.169.254/latest/meta-data":     false,
		"http://127.0.0.1:1/":                         false,
		"file:///etc/passwd":                          false,
		"//hooks.slack.com/x":                         false,
		"":                                            false,
	} {
		if err := s.client.CheckResponseURL(raw); (err == nil) != want {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
