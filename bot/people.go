package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"alsbot/jobs"
)

// peopleBudget is how many people a minute alsbot looks up whom the config does
// not name and who are not known to be full members. Slack allows 100 look-ups
// a minute.
const peopleBudget = 60

func newPeople(fetch func(context.Context, string) (jobs.Person, error)) *lookups[jobs.Person] {
	return &lookups[jobs.Person]{fetch: fetch, budget: rate.NewLimiter(rate.Every(time.Minute/peopleBudget), peopleBudget/2)}
}

// Person returns who a user ID is. Without the permission users:read, Person
// returns jobs.NotLookedUp: then only the deliveries say from which workspace a
// person is.
//
// Whoever the config names is looked up whatever others do: their first press
// must not wait until a flood of unknown people is over.
func (c *Client) Person(ctx context.Context, user string, named bool, f jobs.Freshness) (jobs.Person, error) {
	return c.people.get(ctx, user, named, func(p jobs.Person) bool { return p.Standing.Counts() }, f)
}

func (c *Client) fetchPerson(ctx context.Context, user string) (jobs.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if c.self.Load() == nil {
		if err := c.whoAmI(ctx); err != nil {
			return jobs.Person{}, err
		}
	}
	u, err := c.lookups.GetUserInfoContext(ctx, user)
	switch code := classify(err).code; {
	case err == nil:
		return jobs.Person{Name: userHandle(u.Name), Standing: standing(*u, *c.self.Load())}, nil
	case code == "missing_scope":
		return jobs.Person{Standing: jobs.NotLookedUp}, nil
	case code == "user_not_found", code == "user_not_visible":
		return jobs.Person{Standing: jobs.Stranger}, nil
	}
	return jobs.Person{}, fmt.Errorf("looking up user %s: %w", user, explain(err))
}

// standing says what a user is in the bot's own workspace, or in the
// organization that the workspace belongs to.
func standing(u slack.User, self slack.AuthTestResponse) jobs.Standing {
	own := u.TeamID != "" && u.TeamID == self.TeamID || self.EnterpriseID != "" && u.Enterprise.EnterpriseID == self.EnterpriseID
	switch {
	case u.Deleted:
		return jobs.Deactivated
	case u.IsBot || u.IsWorkflowBot || u.IsConnectorBot || u.ID == slackbotUser:
		return jobs.BotAccount
	case !own || u.IsStranger:
		return jobs.Stranger
	case u.IsRestricted || u.IsUltraRestricted:
		return jobs.Guest
	}
	return jobs.FullMember
}

// slackbotUser is Slack's own user, whom users.info does not call a bot.
const slackbotUser = "USLACKBOT"

// userHandle returns s if it looks like a Slack user name, else "": alsbot puts
// it into its own sentences.
func userHandle(s string) string {
	if len(s) > 80 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return ""
	}
	return s
}

// isOwnTeam reports whether a workspace that a payload names as a person's is
// the bot's own, or its organization.
func (c *Client) isOwnTeam(team string) bool {
	self := c.self.Load()
	return self != nil && team != "" && (team == self.TeamID || team == self.EnterpriseID)
}

// namesOther reports whether a payload names another workspace as the person's.
func (c *Client) namesOther(home []string) bool {
	return slices.ContainsFunc(home, func(team string) bool { return team != "" && !c.isOwnTeam(team) })
}

// isStranger reports whether the person of a delivery belongs to another
// organization: in a channel that is shared by Slack Connect, everyone can
// mention the bot and press its buttons. Slack names the person's workspace. In
// an organization with several, users.info says which it has; without it, only
// the bot's own counts.
func (c *Client) isStranger(ctx context.Context, d delivery) (bool, error) {
	elsewhere := c.namesOther(d.home)
	if self := c.self.Load(); !elsewhere || self == nil || self.EnterpriseID == "" {
		return elsewhere, nil
	}
	p, err := c.Person(ctx, d.user, false, jobs.Cached)
	return p.Standing == jobs.Stranger || p.Standing == jobs.NotLookedUp, err
}
