package bot_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

// strangers are the ways in which Slack names the workspace of a person who
// comes by Slack Connect. team_id is the app's own workspace all the same.
var strangers = map[string]string{
	"user_team":   `"user_team":"T0OTHER","team":"T0SIM"`,
	"source_team": `"source_team":"T0OTHER"`,
	"team":        `"team":"T0OTHER"`,
}

const strangerWords = "You belong to another organization (Slack Connect)"

func TestStrangerOfASharedChannelIsRefused(t *testing.T) {
	t.Parallel()
	for name, who := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, httpMode)
			body := `{"type":"event_callback","team_id":"T0SIM","context_team_id":"T0SIM","is_ext_shared_channel":true,"event_id":"Ev7","event":{"type":"app_mention","user":"U0BEN",` +
				who + `,"text":"<@U0ALSBOT> status","ts":"1795400000.000100","channel":"C0PROD"}}`
			if code := s.post("/slack/events", "application/json", body, nil); code != http.StatusOK {
				t.Errorf("answered %d", code)
			}
			s.toldPrivately(ben, strangerWords)
			if asks := s.engine.asks(); len(asks) != 0 || len(s.ws.Messages(prod)) != 0 {
				t.Errorf("the engine was asked by a stranger: %+v; the channel:\n%s", asks, s.ws.Transcript(prod))
			}
			s.engine.mu.Lock()
			defer s.engine.mu.Unlock()
			if r := s.engine.refused; len(r) != 1 || r[0].By.ID != ben || r[0].What != "status" || !strings.Contains(r[0].Why, strangerWords) {
				t.Errorf("the audit log gets %+v", r)
			}
		})
	}
}

// toldPrivately waits until a person has been told something, which nobody else
// sees.
func (s *stage) toldPrivately(user, text string) {
	s.Helper()
	s.until(user+" is told: "+text, func() bool {
		for _, m := range s.ws.Ephemerals(user, prod) {
			if strings.Contains(m.Text(), text) {
				return true
			}
		}
		return false
	})
}

// A press and a submitted modal name the person's workspace in user.team_id.
func TestStrangersPressIsRefused(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"a press": `{"type":"block_actions","team":{"id":"T0SIM"},"user":{"id":"U0BEN","team_id":"T0OTHER"},"channel":{"id":"C0PROD"},"actions":[{"action_id":"approve","value":"r1 0123456789ab"}]}`,
		"a modal": `{"type":"view_submission","team":{"id":"T0SIM"},"user":{"id":"U0BEN","team_id":"T0OTHER"},"view":{"id":"V1","callback_id":"reject","private_metadata":"r1 0123456789ab C0PROD"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, httpMode)
			s.setOpenRequest()
			body := url.Values{"payload": {payload}}.Encode()
			if code := s.post("/slack/interactions", "application/x-www-form-urlencoded", body, nil); code != http.StatusOK {
				t.Errorf("answered %d", code)
			}
			s.toldPrivately(ben, strangerWords)
			if pressed := s.engine.presses(); len(pressed) != 0 {
				t.Errorf("the engine was asked by a stranger: %v", pressed)
			}
		})
	}
}

func (s *stage) setOpenRequest() {
	r := newRun("r1", runs.Awaiting, prod)
	s.engine.setApproval(s.T, r, runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Expires: time.Now().Add(time.Hour)})
}

// In an organization with several workspaces Slack names another one for a
// colleague, and users.info says that the person belongs to the organization.
func TestColleagueOfTheOrganizationIsHeard(t *testing.T) {
	t.Parallel()
	people := func(o *workspace.Options) {
		o.Org = "E0ORG"
		o.Users = append(o.Users, workspace.User{ID: "U0COL", Name: "colleague", Team: "T0SISTER", Org: "E0ORG"},
			workspace.User{ID: "U0STR", Name: "stranger", Team: "T0OTHER", Org: "E0ELSE"})
	}
	s := newStageWith(t, stageOptions{workspace: people, tune: quickRetries})
	for _, user := range []string{"U0COL", "U0STR"} {
		if _, err := s.ws.Say(s.ctx, user, prod, "@alsbot status"); err != nil {
			t.Fatal(err)
		}
	}
	s.toldPrivately("U0STR", strangerWords)
	s.until("the colleague is heard", func() bool { return len(s.engine.asks()) == 1 })
	if by := s.engine.asks()[0].By; by.ID != "U0COL" {
		t.Errorf("heard %+v", by)
	}
}

func TestPersonsStanding(t *testing.T) {
	t.Parallel()
	people := func(o *workspace.Options) {
		o.Users = append(o.Users,
			workspace.User{ID: "U0GUEST", Name: "guest", Guest: true},
			workspace.User{ID: "U0ONE", Name: "one", OneGuest: true},
			workspace.User{ID: "U0BOT", Name: "bot", Bot: true},
			workspace.User{ID: "U0GONE", Name: "gone", Deleted: true},
			workspace.User{ID: "U0STR", Name: "stranger", Team: "T0OTHER"},
			workspace.User{ID: "U0ODD", Name: "Boss <!here>"})
	}
	s := newStageWith(t, stageOptions{workspace: people, tune: quickRetries})
	for user, want := range map[string]jobs.Person{
		ann:       {Standing: jobs.FullMember, Name: "ann"},
		"U0GUEST": {Standing: jobs.Guest, Name: "guest"},
		"U0ONE":   {Standing: jobs.Guest, Name: "one"},
		"U0BOT":   {Standing: jobs.BotAccount, Name: "bot"},
		"U0GONE":  {Standing: jobs.Deactivated, Name: "gone"},
		"U0STR":   {Standing: jobs.Stranger, Name: "stranger"},
		"U0ODD":   {Standing: jobs.FullMember},
		"U0NONE":  {Standing: jobs.Stranger},
	} {
		if got, err := s.client.Person(s.ctx, user, false, jobs.Fresh); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", user, got, err, want)
		}
		if got := want.Standing.Counts(); got != (want.Standing == jobs.FullMember) {
			t.Errorf("%s: counts %v", user, got)
		}
	}
	s.ws.SetOutage(workspace.Outage503)
	if p, err := s.client.Person(s.ctx, "U0NEW", false, jobs.Cached); err == nil || p.Standing.Counts() {
		t.Errorf("without Slack: %+v, %v", p, err)
	}
}

// Without the permission, the workspace that the delivery names has to do.
func TestPersonWithoutThePermission(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, stageOptions{tune: quickRetries, workspace: func(o *workspace.Options) {
		o.Scopes = []string{"commands", "chat:write", "files:write", "usergroups:read", "app_mentions:read"}
	}})
	if p, err := s.client.Person(s.ctx, ann, false, jobs.Cached); err != nil || p.Standing != jobs.NotLookedUp || !p.Standing.Counts() {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, f := range s.client.Check(s.ctx, s.cfg) {
		if f.What == "slack permissions" && (f.Err != nil || !f.Warn || !strings.Contains(f.Text, "users:read (without it, guests and bots count like full members")) {
			t.Errorf("check says %q, %v", f.Text, f.Err)
		}
	}
}

// A message is a command only where it begins with the mention of the bot.
// Otherwise nothing happens, and nothing is answered.
func TestOnlyAMessageThatBeginsWithTheMentionIsACommand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<@U0ALSBOT> status":                           "status",
		" \u00a0<@U0ALSBOT>\u00a0status":               "status",
		"<@U0ALSBOT|alsbot>: status":                   "status",
		"<@U0ALSBOT>, status":                          "status",
		"<@U0ALSBOT>  :  status":                       "status",
		"<@U0ALSBOT>":                                  "",
		"<@U0ALSBOT> tell <@U0BEN|ben> &lt;x&gt;":      "tell <@U0BEN|ben> <x>",
		"please <@U0ALSBOT> status":                    "-",
		"&gt; <@U0ALSBOT> status":                      "-",
		"&gt;&gt;&gt; <@U0ALSBOT> status":              "-",
		"`<@U0ALSBOT> status`":                         "-",
		"```<@U0ALSBOT> status```":                     "-",
		"*<@U0ALSBOT>* status":                         "-",
		"“<@U0ALSBOT> status”":                         "-",
		"<@U0BEN> <@U0ALSBOT> status":                  "-",
		"<@U0ALSBOTX> status":                          "-",
		"<!subteam^S0LEADS|@leads> <@U0ALSBOT> status": "-",
		"• <@U0ALSBOT> status":                         "-",
		"status":                                       "-",
		"<@U0ALSBOT status":                            "-",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, httpMode)
			s.say(text, "1795400000.000100")
			s.say("<@U0ALSBOT> last", "1795400000.000200")
			s.until("the last message is heard", func() bool {
				asks := s.engine.asks()
				return len(asks) > 0 && (asks[len(asks)-1].Text == "last" || asks[0].Text == "last")
			})
			s.stop()
			var heard []string
			for _, a := range s.engine.asks() {
				heard = append(heard, a.Text)
			}
			slices.Sort(heard)
			expected := []string{"last"}
			if want != "-" {
				expected = append(expected, want)
			}
			slices.Sort(expected)
			if !slices.Equal(heard, expected) {
				t.Errorf("heard %q, not %q", heard, expected)
			}
			if n := len(s.ws.Ephemerals(ann, prod)); n > 0 {
				t.Errorf("%d private answers", n)
			}
		})
	}
}

// say has Slack deliver a message of ann that names the bot.
func (s *stage) say(text, ts string) {
	s.Helper()
	body, err := json.Marshal(map[string]any{
		"type": "event_callback", "team_id": "T0SIM", "event_id": "Ev" + ts,
		"event": map[string]any{"type": "app_mention", "user": ann, "team": "T0SIM", "text": text, "ts": ts, "channel": prod},
	})
	if err != nil {
		s.Fatal(err)
	}
	if code := s.post("/slack/events", "application/json", string(body), nil); code != http.StatusOK {
		s.Errorf("answered %d", code)
	}
}
