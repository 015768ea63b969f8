package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"alsbot/jobs"
)

// membersBudget is how many look-ups of user groups people without rights can
// cause. Slack allows 20 a minute; the rest is for those who have rights.
const membersBudget = 5

func newMembers(fetch func(context.Context, string) ([]string, error)) *lookups[[]string] {
	return &lookups[[]string]{fetch: fetch, budget: rate.NewLimiter(rate.Every(time.Minute/membersBudget), membersBudget), firstFree: true}
}

// Members returns the user IDs of a group. If Slack doesn't answer, Members
// returns an error and never an old list.
func (c *Client) Members(ctx context.Context, group string, fresh bool) ([]string, error) {
	f := jobs.Cached
	if fresh {
		f = jobs.Fresh
	}
	users, err := c.members.get(ctx, group, false, func([]string) bool { return true }, f)
	return slices.Clone(users), err
}

// InGroup reports whether a person is a member of a group.
func (c *Client) InGroup(ctx context.Context, user, group string, f jobs.Freshness) (bool, error) {
	isMember := func(users []string) bool { return slices.Contains(users, user) }
	users, err := c.members.get(ctx, group, false, isMember, f)
	return err == nil && isMember(users), err
}

func (c *Client) fetchMembers(ctx context.Context, group string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	users, err := c.lookups.GetUserGroupMembersContext(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("looking up the members of %s: %w", group, explain(err))
	}
	return users, nil
}
