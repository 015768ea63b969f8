package bot_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

const restartDea = "restart dea --node 10.0.0.12 @prod"

// runWithOffers returns a run that has ended and offers these commands.
func runWithOffers(commands ...string) runs.Run {
	r := newRun("r1", runs.Succeeded, prod)
	r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "no role was restarted", Next: als.Advice{Text: "restart", Offers: commands}}
	r.Next = r.Verdict.Next
	return r
}

func TestOfferIsRequestedByPresser(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		s.until("both sockets are open", func() bool { return s.cfg.Slack.Mode == "http" || s.ws.Sockets() == 2 })
		s.engine.set(t, runWithOffers("status @prod", restartDea), runs.TellRun)
		s.waitAllSent()
		on := s.ws.Messages(prod)[0]
		if got := on.Buttons(); strings.Join(got, "; ") != "status @prod; "+restartDea || strings.Contains(string(on.Blocks), `"value":"restart`) {
			t.Fatalf("buttons %q in %s", got, on.Blocks)
		}
		s.ws.DuplicateDeliveries(1)
		if _, err := s.ws.Press(s.ctx, ben, prod, on.TS, restartDea); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ws.Press(s.ctx, ann, prod, on.TS, restartDea); err != nil {
			t.Fatal(err)
		}
		s.until("both are answered", func() bool {
			return len(s.ws.Ephemerals(ben, prod)) == 1 && len(s.ws.Ephemerals(ann, prod)) == 1
		})
		s.stop()
		asks := s.engine.asks()
		if len(asks) != 2 {
			t.Fatalf("the engine heard %+v", asks)
		}
		who := map[string]bool{}
		for _, a := range asks {
			who[a.By.ID] = true
			if a.Text != restartDea || a.Origin.Channel != prod || a.Origin.Thread != "" || a.Origin.ResponseURL == "" {
				t.Errorf("the engine heard %+v", a)
			}
		}
		if !who[ann] || !who[ben] || asks[0].Key == asks[1].Key {
			t.Errorf("the engine heard %+v", asks)
		}
	})
}

// A press that Slack repeats to the next process has the same key, by which the
// engine recognizes it.
func TestOfferHasSameKeyAfterRestart(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	s.engine.set(t, runWithOffers(restartDea))
	body := `payload={"type":"block_actions","trigger_id":"1.2.3","team":{"id":"T0SIM"},"user":{"id":"U0ANN"},"channel":{"id":"C0PROD"},` +
		`"actions":[{"action_id":"offer-0","value":"r1 0","type":"button"}]}`
	for n := range 2 {
		if code := s.post("/slack/interactions", form, body, nil); code != 200 {
			t.Errorf("answered %d", code)
		}
		s.until("it is answered", func() bool { return len(s.ws.Ephemerals(ann, prod)) == n+1 })
		s.stop()
		s.start()
	}
	if asks := s.engine.asks(); len(asks) != 1 || asks[0].Text != restartDea {
		t.Errorf("the engine heard %+v", asks)
	}
}

func TestUnknownOfferIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, runWithOffers(restartDea), runs.TellRun)
	s.engine.set(t, newRun("r2", runs.Succeeded, prod)) // as older versions have stored it
	running := runWithOffers(restartDea)
	running.ID, running.State = "r3", runs.Running
	s.engine.set(t, running)
	other := runWithOffers(restartDea)
	other.ID, other.Next = "r4", als.Advise("look at the cluster first")
	s.engine.set(t, other)
	s.waitAllSent()
	for n, value := range []string{"r1 1", "r1 -1", "r1 x", "r1", "r2 0", "r3 0", "r4 0", "gone 0", "r1 " + restartDea} {
		old := s.ws.Messages(prod)[0]
		old.Blocks = json.RawMessage(strings.Replace(string(old.Blocks), `"value":"r1 0"`, `"value":"`+value+`"`, 1))
		if _, err := s.ws.PressOld(s.ctx, ann, old, restartDea); err != nil {
			t.Fatal(err)
		}
		s.until("it is answered", func() bool { return len(s.ws.Ephemerals(ann, prod)) == n+1 })
		if got := s.ws.Ephemerals(ann, prod)[n].Text(); !strings.Contains(got, "does not know this button") {
			t.Errorf("%q is answered with %q", value, got)
		}
	}
	if asks := s.engine.asks(); len(asks) != 0 {
		t.Errorf("the engine heard %+v", asks)
	}
}

// Slack accepts the message however long and however many the offers are, and
// an offer that can't be read is no button.
func TestOffersStayWithinSlackLimits(t *testing.T) {
	t.Parallel()
	long := "restart " + strings.Repeat("ä<!channel> ", 1000) + "@prod"
	for name, commands := range map[string][]string{"none": nil, "one": {restartDea}, "many": {long, "\x1b[31m", long, long, long, long}} {
		r := runWithOffers(commands...)
		r.Verdict.Report = strings.Repeat("x y\n", 1<<16)
		_, blocks, _ := bot.View(bot.RunMessage(bot.RunView{Run: r, Now: at(1)}))
		raw, err := json.Marshal(blocks)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range workspace.Validate(raw) {
			t.Errorf("%s: Slack would refuse it: %v", name, err)
		}
		m := workspace.Message{Blocks: raw}
		want := map[string]int{"none": 0, "one": 1, "many": 2}[name]
		if got := m.Buttons(); len(got) != want {
			t.Errorf("%s: the buttons %q", name, got)
		}
		for _, b := range m.Buttons() {
			if utf8.RuneCountInString(b) > 75 || live.MatchString(b) {
				t.Errorf("%s: the button %q", name, b)
			}
		}
	}
}
