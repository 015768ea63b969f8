package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"alsbot/config"
)

// Directory knows who is a member of which group.
type Directory interface {
	// Members returns the user IDs of a group. With fresh they are fetched
	// now, else they may be five minutes old.
	Members(ctx context.Context, group string, fresh bool) ([]string, error)
}

// Role is what somebody may do on a cluster. Operators and approvers also
// view; an approver is no operator.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
)

// may is the one decision on rights: every way in asks it, and what it does
// not allow is denied. cluster may be "" for what concerns no cluster. With
// fresh, group members are fetched now. An error means that the rights could
// not be looked up; nothing is allowed then.
//
// Who comes in by the admin socket has passed the file's mode: an operator,
// never an approver. A schedule has the rights of the reviewed config file, and
// so has what follows by itself.
func (e *Engine) may(ctx context.Context, p Principal, role Role, cluster string, fresh bool) (bool, error) {
	if p.Source == FromLocal || p.Source == FromSchedule || p == nobody {
		return role != Approver, nil
	}
	acc := e.access(cluster)
	lists := [][]string{acc.Approver}
	switch role {
	case Operator:
		lists = [][]string{acc.Operator}
	case Viewer:
		lists = [][]string{acc.Viewer, acc.Operator, acc.Approver}
	}
	return e.listed(ctx, p.ID, slices.Concat(lists...), fresh)
}

// same reports whether two are one person, who may have an account of this host
// beside the one of Slack.
func (e *Engine) same(p, q Principal) bool { return e.account(p) == e.account(q) }

func (e *Engine) account(p Principal) Principal {
	if id := e.cfg.Admin.Users[p.ID]; p.Source == FromLocal && id != "" {
		return Principal{Source: FromSlack, ID: id}
	}
	return Principal{Source: p.Source, ID: p.ID}
}

// access is who may do what on a cluster. Of one that the config no longer has
// it is not known whom it was closed to: plain viewers see nothing of it.
func (e *Engine) access(cluster string) config.Access {
	if c, ok := e.cfg.Cluster(cluster); ok {
		return c.AccessOf(e.cfg.Access)
	}
	general := e.cfg.Access
	if cluster != "" {
		general.Viewer = nil
	}
	return general
}

// listed reports whether a user is among the IDs, by name or by group.
// Groups are looked up only when nothing cheaper decides.
func (e *Engine) listed(ctx context.Context, user string, ids []string, fresh bool) (bool, error) {
	if user == "" {
		return false, nil
	}
	if slices.Contains(ids, user) || slices.Contains(ids, "*") {
		return true, nil
	}
	var trouble error
	for _, id := range ids {
		if !strings.HasPrefix(id, "S") {
			continue
		}
		members, err := e.dir.Members(ctx, id, fresh)
		if err != nil {
			trouble = fmt.Errorf("looking up who is in user group %s: %w", id, err)
			continue
		}
		if slices.Contains(members, user) {
			return true, nil
		}
	}
	return false, trouble
}
