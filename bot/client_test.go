package bot_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"alsbot/bot"
	"alsbot/config"
	"alsbot/sim/workspace"
)

// slackGroup counts how often Slack is asked for its members.
type slackGroup struct {
	mu    sync.Mutex
	asked int
	users []string
	err   error
}

// fetch answers as Slack does, after a second.
func (g *slackGroup) fetch(context.Context, string) ([]string, error) {
	g.mu.Lock()
	g.asked++
	g.mu.Unlock()
	time.Sleep(time.Second)
	return g.users, g.err
}

func TestMembersAreCachedForFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &slackGroup{users: []string{"U1"}}
		of := bot.MemberCache(g.fetch).Members
		want := func(fresh bool, asked int, members string) {
			t.Helper()
			got, err := of(t.Context(), "S1", fresh)
			if err != nil || strings.Join(got, " ") != members || g.asked != asked {
				t.Errorf("got %v, %v; Slack was asked %d times, not %d", got, err, g.asked, asked)
			}
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if got, err := of(t.Context(), "S1", false); err != nil || len(got) != 1 {
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		wg.Wait()
		want(false, 1, "U1")
		g.users = []string{"U1", "U2"}
		time.Sleep(4 * time.Minute)
		want(false, 1, "U1")
		want(true, 2, "U1 U2")
		want(false, 2, "U1 U2")
	})
}

func TestMembersAreNotGuessedWithoutSlack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &slackGroup{users: []string{"U1"}}
		of := bot.MemberCache(g.fetch).Members
		if got, err := of(t.Context(), "S1", false); err != nil || len(got) != 1 {
			t.Fatalf("got %v, %v", got, err)
		}
		time.Sleep(6 * time.Minute)
		g.err = errors.New("no answer")
		for _, fresh := range []bool{true, false} {
			if got, err := of(t.Context(), "S1", fresh); err == nil || got != nil {
				t.Errorf("fresh %v: an old list was used: %v", fresh, got)
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := of(impatient, "S1", false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited on: %v", err)
		}
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

func TestMembersComeFromSlack(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	if got, err := s.client.Members(s.ctx, "S0LEADS", true); err != nil || len(got) != 1 || got[0] != ben {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := s.client.Members(s.ctx, "S0NONE", true); err == nil {
		t.Error("a group that does not exist has members")
	}
	s.ws.Fail("usergroups.users.list", 1, workspace.Status(503))
	if _, err := s.client.Members(s.ctx, "S0LEADS", true); err != nil {
		t.Errorf("one failure is too much for a look-up: %v", err)
	}
}

func TestDialRefusesBadURL(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "slack.com/api/", "ftp://slack.com/", "https://"} {
		if _, err := bot.Dial(config.Slack{APIURL: raw}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "https://slack.com/api/") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *config.Config) {
		c.Access = config.Access{Approver: []string{"S0LEADS", "S0NONE", ben}}
		c.Clusters = append(c.Clusters, config.Cluster{Name: "away", Channel: away})
	})
	bad := map[string]string{"slack group S0NONE": "", "slack channel " + away + " of @away": "invite"}
	for _, f := range s.client.Check(s.ctx, s.cfg) {
		want, wanted := bad[f.What]
		if (f.Err != nil) != wanted || f.Err == nil && f.Text == "" {
			t.Errorf("%s: %q, %v", f.What, f.Text, f.Err)
		}
		if wanted && f.Err != nil && !strings.Contains(f.Err.Error(), want) {
			t.Errorf("%s: %v", f.What, f.Err)
		}
		delete(bad, f.What)
	}
	for what := range bad {
		t.Errorf("%s was not looked at", what)
	}
	s.ws.Fail("auth.test", 1, workspace.Refused("invalid_auth"))
	if found := s.client.Check(s.ctx, s.cfg); len(found) != 1 || found[0].Err == nil || !strings.Contains(found[0].Err.Error(), "token") {
		t.Errorf("with a bad token: %+v", found)
	}
}

// Check doesn't report as good what Slack doesn't let the bot see.
func TestCheckReportsMissingScopes(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.ws.Fail("conversations.info", 1, workspace.Refused("missing_scope"))
	for _, f := range s.client.Check(s.ctx, s.cfg) {
		unseen := f.What == "slack channel "+prod+" of @prod"
		if f.Warn != unseen || f.Err != nil {
			t.Errorf("%s: unseen %v, %q, %v", f.What, f.Warn, f.Text, f.Err)
		}
		if unseen && (!strings.Contains(f.Text, "channels:read") || !strings.Contains(f.Text, "/invite @alsbot")) {
			t.Errorf("%s: %q", f.What, f.Text)
		}
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		raw, err := bot.Manifest("/als", mode)
		if err != nil {
			t.Fatal(err)
		}
		var m slack.Manifest
		strict := yaml.NewDecoder(bytes.NewReader(raw))
		strict.KnownFields(true)
		if err := strict.Decode(&m); err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		if m.Settings.SocketModeEnabled != (mode == "socket") || !m.Settings.Interactivity.IsEnabled ||
			len(m.Features.SlashCommands) != 1 || m.Features.SlashCommands[0].Command != "/als" ||
			(m.Features.SlashCommands[0].Url != "") != (mode == "http") || (m.Settings.EventSubscriptions.RequestUrl != "") != (mode == "http") {
			t.Errorf("%s:\n%s", mode, raw)
		}
		if strings.Contains(string(raw), "history") {
			t.Errorf("%s asks to read what people write:\n%s", mode, raw)
		}
		if n := len([]rune(m.Display.LongDescription)); n < 175 || n > 4000 {
			t.Errorf("the long description has %d characters; Slack takes 175 to 4,000", n)
		}
	}
	for _, command := range []string{"als", "/", "/ALS", "/als\nx: y", "/" + strings.Repeat("a", 32)} {
		if _, err := bot.Manifest(command, "socket"); err == nil {
			t.Errorf("%q makes a manifest", command)
		}
	}
}
