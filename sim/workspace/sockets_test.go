package workspace_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"alsbot/sim/workspace"
)

// dial opens a socket by hand, to show what a client library hides.
func dial(t *testing.T, w *workspace.Workspace) *websocket.Conn {
	t.Helper()
	_, address, err := client(w).StartSocketModeContext(within(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.DefaultDialer.DialContext(within(t), address, http.Header{"Origin": {"https://api.slack.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err = conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, _, err = websocket.DefaultDialer.DialContext(within(t), address, nil); err == nil {
		t.Error("a socket address worked twice")
	}
	return conn
}

type envelope struct {
	Type           string `json:"type"`
	Reason         string `json:"reason"`
	EnvelopeID     string `json:"envelope_id"`
	NumConnections int    `json:"num_connections"`
	DebugInfo      struct {
		ApproximateConnectionTime int `json:"approximate_connection_time"`
	} `json:"debug_info"`
}

func receive(t *testing.T, conn *websocket.Conn) envelope {
	t.Helper()
	var e envelope
	if err := conn.ReadJSON(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSocketsAreCountedAndLimited(t *testing.T) {
	w := start(t, nil)
	for i := range 10 {
		if hello := receive(t, dial(t, w)); hello.Type != "hello" || hello.NumConnections != i+1 || hello.DebugInfo.ApproximateConnectionTime == 0 {
			t.Errorf("socket %d is greeted with %+v", i+1, hello)
		}
	}
	if e := receive(t, dial(t, w)); e.Type != "disconnect" || e.Reason != "too_many_websockets" {
		t.Errorf("the eleventh socket got %+v", e)
	}
}

func TestPings(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.PingInterval = 10 * time.Millisecond })
	conn := dial(t, w)
	pings := 0
	enough := errors.New("enough")
	conn.SetPingHandler(func(string) error {
		if pings++; pings == 3 {
			return enough
		}
		return nil
	})
	receive(t, conn)
	if _, _, err := conn.ReadMessage(); !errors.Is(err, enough) {
		t.Errorf("waiting for pings: %v", err)
	}
}

// Slack silently drops an acknowledgement of 20 KiB.
func TestHugeAcknowledgementIsDropped(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.AckTimeout = 300 * time.Millisecond })
	conn := dial(t, w)
	receive(t, conn)
	answered := make(chan error, 1)
	go func() {
		var e envelope
		err := conn.ReadJSON(&e)
		if err == nil {
			huge, _ := json.Marshal(map[string]any{"envelope_id": e.EnvelopeID, "payload": map[string]string{"text": strings.Repeat("x", 20*1024)}})
			err = conn.WriteMessage(websocket.TextMessage, huge)
		}
		answered <- err
	}()
	if _, err := w.Say(within(t), ann, ops, "/als help"); !errors.Is(err, workspace.ErrTimeout) {
		t.Errorf("got %v, want a time-out", err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := w.Wait(within(t), func() bool { return len(w.Violations()) > 0 }); err != nil { // it may come after the timeout
		t.Fatal(err)
	}
	if v := w.Violations(); len(v) != 1 || !strings.Contains(v[0], "Slack drops") {
		t.Errorf("violations: %q", v)
	}
}

func TestGroupMembersChange(t *testing.T) {
	w := start(t, nil)
	members := func() string {
		list, err := client(w).GetUserGroupMembersContext(within(t), "S0LEADS")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(list, " ")
	}
	if got := members(); got != ben {
		t.Errorf("members are %q", got)
	}
	if err := w.SetGroupMembers("S0LEADS", ann, ben); err != nil {
		t.Fatal(err)
	}
	if got := members(); got != ann+" "+ben {
		t.Errorf("members are %q", got)
	}
	if err := w.SetGroupMembers("S0NONE"); err == nil || !strings.Contains(err.Error(), "S0LEADS") {
		t.Errorf("an unknown group: %v", err)
	}
}

func TestScopes(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.Scopes = []string{"commands", "chat:write"} })
	auth, err := client(w).AuthTestContext(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := auth.Header.Get("X-OAuth-Scopes"); got != "commands,chat:write" {
		t.Errorf("scopes are %q", got)
	}
	_, err = client(w).GetUserGroupsContext(within(t))
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) || refused.Err != "missing_scope" || refused.Needed != "usergroups:read" || refused.Provided != "commands,chat:write" {
		t.Errorf("a call without its scope: %+v", err)
	}
}
