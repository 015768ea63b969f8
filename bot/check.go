package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"alsbot/config"
)

// Finding is the result of one check.
type Finding struct {
	What string // what was checked
	Text string // the result
	Warn bool   // something is missing that alsbot can do without, or the check was not possible; Text says what to do
	Err  error  // what is wrong and how to fix it; nil if nothing is known to be wrong
}

// Check checks that Slack accepts the tokens, grants the scopes that alsbot
// needs, and lets the bot into the channels that cfg names. It posts nothing.
func (c *Client) Check(ctx context.Context, cfg *config.Config) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 2*callLimit)
	defer cancel()
	self, err := c.lookups.AuthTestContext(ctx)
	if err != nil {
		return []Finding{{What: "slack", Err: fmt.Errorf("asking Slack at %s who the bot is: %w", cfg.Slack.APIURL, explain(err))}}
	}
	found := []Finding{{What: "slack", Text: fmt.Sprintf("%s in workspace %s", self.User, self.Team)}}
	found = append(found, checkScopes(self.Header.Get("X-OAuth-Scopes")))
	if cfg.Slack.Mode != "http" {
		found = append(found, c.checkAppToken(ctx))
	}
	found = append(found, c.checkGroups(ctx, cfg)...)
	return append(found, c.checkChannels(ctx, cfg)...)
}

// checkScopes compares the scopes that Slack has granted with those that alsbot
// needs.
func checkScopes(header string) Finding {
	f := Finding{What: "slack permissions"}
	if header == "" {
		f.Warn, f.Text = true, "Slack does not say which it has granted. Compare them with those of `alsbot manifest`"
		return f
	}
	var granted, missing, worse, optional []string
	for s := range strings.SplitSeq(header, ",") {
		granted = append(granted, strings.TrimSpace(s))
	}
	for _, s := range requiredScopes {
		switch {
		case slices.Contains(granted, s.name):
		case s.without != "":
			worse = append(worse, fmt.Sprintf("%s (without it, %s)", s.name, s.without))
		default:
			missing = append(missing, fmt.Sprintf("%s (%s)", s.name, s.use))
		}
	}
	for _, s := range optionalScopes {
		if !slices.Contains(granted, s.name) {
			optional = append(optional, s.name)
		}
	}
	const add = "missing: %s. Add them under OAuth & Permissions of the app, then install it again"
	if len(missing) > 0 {
		f.Err = fmt.Errorf(add, strings.Join(append(missing, worse...), ", "))
		return f
	}
	if len(worse) > 0 {
		f.Warn, f.Text = true, fmt.Sprintf(add, strings.Join(worse, ", "))
		return f
	}
	f.Text = "all that is needed"
	if len(optional) > 0 {
		f.Text += "; not granted, and not needed: " + strings.Join(optional, ", ")
	}
	return f
}

// checkAppToken requests a socket and doesn't open it.
func (c *Client) checkAppToken(ctx context.Context) Finding {
	f := Finding{What: "slack socket mode", Text: "the app token is accepted"}
	if _, _, err := c.sockets.StartSocketModeContext(ctx); err != nil {
		f.Err = fmt.Errorf("slack.app_token: %w. It has to begin with xapp-, carry connections:write, and Socket Mode has to be on", explain(err))
	}
	return f
}

// checkGroups looks up every user group that the config gives rights to.
func (c *Client) checkGroups(ctx context.Context, cfg *config.Config) []Finding {
	access := []config.Access{cfg.Access}
	for _, cl := range cfg.Clusters {
		access = append(access, cl.Access)
	}
	var groups []string
	for _, a := range access {
		for _, id := range slices.Concat(a.Viewer, a.Operator, a.Approver) {
			if strings.HasPrefix(id, "S") && !slices.Contains(groups, id) {
				groups = append(groups, id)
			}
		}
	}
	var found []Finding
	for _, id := range groups {
		f := Finding{What: "slack group " + id}
		users, err := c.fetchMembers(ctx, id)
		switch {
		case err != nil:
			f.Err = err
		case len(users) == 0:
			f.Err = errors.New("has no members, so it gives nobody any right")
		default:
			f.Text = plural(len(users), "member", "members")
		}
		found = append(found, f)
	}
	return found
}

// checkChannels checks that the bot is a member of every configured channel.
func (c *Client) checkChannels(ctx context.Context, cfg *config.Config) []Finding {
	var found []Finding
	var seen []string
	for _, cl := range cfg.Clusters {
		for _, id := range []string{cl.Channel, cl.Approvals} {
			if id == "" || slices.Contains(seen, id) {
				continue
			}
			seen = append(seen, id)
			found = append(found, c.checkChannel(ctx, cl.Name, id))
		}
	}
	return found
}

func (c *Client) checkChannel(ctx context.Context, cluster, id string) Finding {
	f := Finding{What: fmt.Sprintf("slack channel %s of @%s", id, cluster)}
	info, err := c.lookups.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	switch t := classify(err); {
	case t.code == "missing_scope":
		f.Warn, f.Text = true, "not looked at: without the scopes channels:read and groups:read alsbot cannot tell whether it is a member. Be sure that it is: /invite @alsbot"
	case t.code == "channel_not_found":
		f.Err = errors.New("alsbot cannot see it. Is the ID right? If it is private, invite the bot: /invite @alsbot")
	case err != nil:
		f.Err = explain(err)
	case info.IsArchived:
		f.Err = errors.New("is archived: name another one in the config")
	case !info.IsMember:
		f.Err = fmt.Errorf("alsbot is not in #%s. Invite it there: /invite @alsbot", info.Name)
	default:
		f.Text = "#" + info.Name
	}
	return f
}
