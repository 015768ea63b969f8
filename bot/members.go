package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// memberAge is how long a list of members stays in the cache.
const memberAge = 5 * time.Minute

// memberCache caches the members of user groups.
type memberCache struct {
	fetch  func(ctx context.Context, group string) ([]string, error)
	flight singleflight.Group
	mu     sync.Mutex
	known  map[string]membership
}

type membership struct {
	users []string
	at    time.Time
}

// Members returns the user IDs of a group. With fresh, it asks Slack now; else
// the answer may be five minutes old. If Slack doesn't answer, Members returns
// an error and never an old list.
func (c *Client) Members(ctx context.Context, group string, fresh bool) ([]string, error) {
	return c.members.of(ctx, group, fresh)
}

func (d *memberCache) of(ctx context.Context, group string, fresh bool) ([]string, error) {
	if fresh {
		return d.fetchAndStore(ctx, group)
	}
	d.mu.Lock()
	m, ok := d.known[group]
	d.mu.Unlock()
	if ok && time.Since(m.at) < memberAge {
		return slices.Clone(m.users), nil
	}
	// The first caller looks the group up for all. A caller that gives up
	// doesn't take the answer from the others.
	answer := d.flight.DoChan(group, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		defer cancel()
		return d.fetchAndStore(ctx, group)
	})
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, a.Err
		}
		users, _ := a.Val.([]string)
		return slices.Clone(users), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("looking up the members of %s: %w", group, ctx.Err())
	}
}

func (d *memberCache) fetchAndStore(ctx context.Context, group string) ([]string, error) {
	asked := time.Now()
	users, err := d.fetch(ctx, group)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = make(map[string]membership)
	}
	if asked.After(d.known[group].at) {
		d.known[group] = membership{users: users, at: asked}
	}
	return slices.Clone(users), nil
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
