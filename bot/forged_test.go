package bot_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// What a press carries decides nothing but which button of which plan it was:
// values of other requests, of older plans, without a plan, from views, lists and
// second actions reach no decision. The last press is the real one.
func TestForgedPressesDecideNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, httpMode)
	s.setOpenRequest()
	other := newRun("r2", runs.Awaiting, prod)
	s.engine.setApproval(t, other, runs.Approval{Run: "r2", Cluster: "prod", Digest: strings.Repeat("f", 64), State: runs.ApprovalWaiting, Quorum: 1, Expires: time.Now().Add(time.Hour)})
	r, _, err := s.engine.Load(s.ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	right := "r1 " + r.Digest[:12]
	const who = `"team":{"id":"T0SIM"},"user":{"id":"U0BEN","team_id":"T0SIM"},"channel":{"id":"C0APPROVE"}`
	press := func(trigger int, actions string) string {
		return fmt.Sprintf(`{"type":"block_actions","trigger_id":"t%d",%s,"actions":[%s]}`, trigger, who, actions)
	}
	button := func(id, value string) string {
		return fmt.Sprintf(`{"type":"button","action_id":%q,"value":%q}`, id, value)
	}
	for i, payload := range []string{
		press(1, button("approve", "r1 ffffffffffff")), // another request's plan
		press(2, button("approve", "r2 "+r.Digest[:12])),
		press(3, button("approve", "r1")),
		press(4, button("approve", "r1 ")),
		press(5, button("approve", right+" r2")),
		press(6, button("approve", right[:len(right)-1])),
		press(8, button("approve", "")),
		press(9, button("Approve", right)),
		press(10, button("approve ", right)),
		press(11, button("offer-approve", "r1 -1")),
		press(12, button("offer-0", "r1 99999999999999999999")),
		press(13, `{"type":"static_select","action_id":"approve","selected_option":{"value":"`+right+`"}}`),
		press(14, button("unknown", right)+","+button("approve", right)), // only the first is a press
		`{"type":"view_submission",` + who + `,"view":{"id":"V1","callback_id":"approve","private_metadata":"` + right + ` C0APPROVE"}}`,
		`{"type":"view_submission",` + who + `,"view":{"id":"V2","callback_id":"reject","private_metadata":"r1 ffffffffffff C0APPROVE"}}`,
		`{"type":"view_closed",` + who + `,"view":{"id":"V3","callback_id":"reject","private_metadata":"` + right + ` C0APPROVE"}}`,
		`{"type":"message_action",` + who + `,"callback_id":"approve","message":{"text":"` + right + `"}}`,
		`{"type":"shortcut",` + who + `,"callback_id":"approve"}`,
		`{"type":"block_suggestion",` + who + `,"action_id":"approve","value":"` + right + `"}`,
	} {
		if code := s.post("/slack/interactions", form, url.Values{"payload": {payload}}.Encode(), nil); code != 200 {
			t.Errorf("%d is answered %d", i+1, code)
		}
	}
	for range 3 { // one trigger, delivered three times
		s.post("/slack/interactions", form, url.Values{"payload": {press(99, button("approve", right))}}.Encode(), nil)
	}
	s.until("the real press counts", func() bool { return len(s.engine.presses()) > 0 })
	s.stop()
	if got := fmt.Sprint(s.engine.presses()); got != "[r1 true U0BEN]" {
		t.Errorf("pressed: %s", got)
	}
	if asks := s.engine.asks(); len(asks) > 0 {
		t.Errorf("asked for: %+v", asks)
	}
}
