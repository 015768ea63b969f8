package bot_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/bot"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

func httpMode(c *config.Config) { c.Slack.Mode = "http" }

// bothModes runs a test in Socket Mode and over HTTP.
func bothModes(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) { t.Parallel(); test(t, newStage(t, nil)) })
	t.Run("http", func(t *testing.T) { t.Parallel(); test(t, newStage(t, httpMode)) })
}

func TestCommandIsAnsweredInItsAcknowledgement(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		ack, err := s.ws.Say(s.ctx, ann, prod, `/als patch install @prod --reason "R&D <now>"`)
		if err != nil {
			t.Fatal(err)
		}
		want := `patch install @prod --reason "R&D <now>"`
		if asks := s.engine.asks(); len(asks) != 1 || asks[0].Text != want || asks[0].By != (runs.Principal{Source: runs.FromSlack, ID: ann}) ||
			asks[0].Origin.Channel != prod || asks[0].Origin.ResponseURL == "" || asks[0].Key == "" {
			t.Errorf("the engine heard %+v", asks)
		}
		if ack.Text != "heard "+want || !strings.Contains(string(ack.Payload), `"ephemeral"`) {
			t.Errorf("answered %q by %s", ack.Text, ack.Payload)
		}
	})
}

func TestPublicAnswerIsPostedInChannel(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.answer = func(jobs.Ask) (jobs.Answer, error) {
		return jobs.Answer{Text: "Type `help`", Pre: "a\nb", Public: true}, nil
	}
	ack, err := s.ws.Say(s.ctx, ann, prod, "/als x")
	if err != nil || !strings.Contains(string(ack.Payload), `"in_channel"`) || !strings.Contains(ack.Text, "a\nb") {
		t.Errorf("answered %s, %v", ack.Payload, err)
	}
}

func TestInternalErrorIsAnsweredInWords(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		for name, answer := range map[string]func(jobs.Ask) (jobs.Answer, error){
			"error": func(jobs.Ask) (jobs.Answer, error) { return jobs.Answer{}, errors.New("disk full at /secret/path") },
			"panic": func(jobs.Ask) (jobs.Answer, error) { panic("nil map in /secret/path") },
		} {
			s.engine.mu.Lock()
			s.engine.answer = answer
			s.engine.mu.Unlock()
			ack, err := s.ws.Say(s.ctx, ann, prod, "/als "+name)
			if err != nil || !strings.Contains(ack.Text, "number") || strings.Contains(ack.Text, "secret") {
				t.Errorf("%s: answered %q, %v", name, ack.Text, err)
			}
		}
	})
}

func TestDuplicatesHaveOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		s.until("both sockets are open", func() bool { return s.cfg.Slack.Mode == "http" || s.ws.Sockets() == 2 })
		s.ws.DuplicateDeliveries(1)
		if _, err := s.ws.Say(s.ctx, ann, prod, "/als status"); err != nil {
			t.Fatal(err)
		}
		s.ws.DuplicateDeliveries(1)
		if _, err := s.ws.Say(s.ctx, ann, prod, "@alsbot: status"); err != nil {
			t.Fatal(err)
		}
		m, err := s.ws.WaitMessage(s.ctx, prod, func(m workspaceMessage) bool { return m.Text() == "heard status" })
		if err != nil {
			t.Fatal(err)
		}
		// The duplicate has arrived when one more command is answered.
		if _, err := s.ws.Say(s.ctx, ann, prod, "/als last"); err != nil {
			t.Fatal(err)
		}
		s.stop()
		if n := len(s.engine.asks()); n != 3 {
			t.Errorf("%d effects: %+v", n, s.engine.asks())
		}
		if thread := s.ws.Thread(prod, m.Thread); m.Thread == "" || len(thread) != 2 {
			t.Errorf("the mention's thread has %d messages", len(thread))
		}
	})
}

func TestMentionIsAnsweredOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	body := `{"type":"event_callback","team_id":"T0SIM","event_id":"Ev1","event":{"type":"app_mention","user":"U0ANN","text":"<@U0ALSBOT> status","ts":"1795400000.000100","channel":"C0PROD"}}`
	for range 2 {
		if code := s.post("/slack/events", "application/json", body, nil); code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
		s.until("it is answered", func() bool { return s.ws.Calls("chat.postMessage") == 1 })
		s.stop()
		s.start()
	}
	s.stop()
	if n := s.ws.Calls("chat.postMessage"); n != 1 {
		t.Errorf("answered %d times", n)
	}
}

// The bot acknowledges and stores a mention only after the engine has it on
// record. If alsbot dies before that, Slack delivers it again.
func TestMentionIsAcknowledgedAfterEngineHasIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	acked := make(chan struct{})
	s.engine.answer = func(jobs.Ask) (jobs.Answer, error) {
		select {
		case <-acked:
			t.Error("it was acknowledged before")
		case <-time.After(100 * time.Millisecond):
		}
		if err := s.engine.st.View(s.ctx, func(tx store.Tx) error {
			return tx.Scan("mentions", "", "", false, func(key string, _ []byte) bool {
				t.Errorf("it was noted before: %s", key)
				return true
			})
		}); err != nil {
			t.Error(err)
		}
		return jobs.Answer{Text: "heard"}, nil
	}
	body := `{"type":"event_callback","team_id":"T0SIM","event_id":"Ev1","event":{"type":"app_mention","user":"U0ANN","text":"<@U0ALSBOT> status","ts":"1795400000.000100","channel":"C0PROD"}}`
	if code := s.post("/slack/events", "application/json", body, nil); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	close(acked)
	s.until("it is answered", func() bool { return s.ws.Calls("chat.postMessage") == 1 })
}

// More mentions arrive than can wait. The bot acknowledges none that it doesn't
// handle; Slack delivers them again, and each is answered.
func TestMentionsBeyondPoolAreRedelivered(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, stageOptions{
		tune:      func(b *bot.Bot) { quickRetries(b); b.SetBacklog(1) },
		workspace: func(o *workspace.Options) { o.AckTimeout = 3 * time.Second }, // after which Slack delivers a mention again
	})
	full, release := make(chan struct{}), make(chan struct{})
	s.engine.answer = func(a jobs.Ask) (jobs.Answer, error) {
		if a.Text == "first" {
			close(full)
			<-release
		}
		return jobs.Answer{Text: "heard " + a.Text}, nil
	}
	acked := make(chan string, 4)
	say := func(text string) {
		go func() {
			if _, err := s.ws.Say(s.ctx, ann, prod, "@alsbot "+text); err != nil {
				t.Error(err)
			}
			acked <- text
		}()
	}
	say("first")
	<-full
	for _, text := range []string{"second", "third", "fourth"} {
		say(text)
	}
	select {
	case text := <-acked:
		t.Errorf("%s is acknowledged, and nobody works on it", text)
	case <-time.After(time.Second): // all mentions have arrived
	}
	close(release)
	for _, text := range []string{"first", "second", "third", "fourth"} {
		if _, err := s.ws.WaitMessage(s.ctx, prod, func(m workspaceMessage) bool { return m.Text() == "heard "+text }); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for range 4 { // no one is typing when the test ends
		<-acked
	}
}

func TestCancelButton(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Running, prod), runs.TellRun)
	s.waitAllSent()
	if _, err := s.ws.Press(s.ctx, ann, prod, s.ws.Messages(prod)[0].TS, "cancel"); err != nil {
		t.Fatal(err)
	}
	s.until("it is asked for", func() bool { return len(s.engine.asks()) == 1 })
	if a := s.engine.asks()[0]; a.Text != "cancel r1" || a.By.ID != ann {
		t.Errorf("the engine heard %+v", a)
	}
	s.until("it is answered", func() bool { return len(s.ws.Ephemerals(ann, prod)) == 1 })
}

func TestSlowPressIsAcknowledgedFirst(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	release := make(chan struct{})
	s.engine.press = func(string, bool, runs.Principal) (jobs.Answer, error) {
		<-release
		return jobs.Answer{Text: "Approved."}, nil
	}
	r := newRun("r1", runs.Awaiting, prod)
	s.engine.setApproval(t, r, runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Expires: asked})
	s.waitAllSent()
	if _, err := s.ws.Press(s.ctx, ben, approve, s.ws.Messages(approve)[0].TS, "approve"); err != nil {
		t.Fatal("acknowledged too late:", err)
	}
	close(release)
	s.until("the answer comes after", func() bool { return len(s.ws.Ephemerals(ben, approve)) == 1 })
}

func TestManyCommandsAtOnce(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		const people, each = 20, 25
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				for i := range each {
					if _, err := s.ws.Say(s.ctx, ann, prod, fmt.Sprint("/als status ", i)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if n := len(s.engine.asks()); n != people*each {
			t.Errorf("%d of %d commands have arrived", n, people*each)
		}
	})
}

func TestAnotherCommandIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *config.Config) { c.Slack.Command = "/other" })
	ack, err := s.ws.Say(s.ctx, ann, prod, "/als status")
	if err != nil || !strings.Contains(ack.Text, "another command") || len(s.engine.asks()) != 0 {
		t.Errorf("answered %q, %v", ack.Text, err)
	}
}

func TestLongAnswersFitIntoAnAcknowledgement(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for _, pre := range []string{strings.Repeat("x", 100000), strings.Repeat("<é&\n", 20000), strings.Repeat("<@", 50000)} {
		payload, err := s.bot.AckPayload(jobs.Answer{Text: "Here:", Pre: pre})
		if err != nil || len(payload) > 16<<10 || len(payload) < 1000 {
			t.Errorf("%d bytes, %v", len(payload), err)
		}
	}
}
