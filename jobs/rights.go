package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
)

// Directory answers who is a member of which group.
type Directory interface {
	// Members returns the user IDs of a group. With fresh they are fetched
	// now, else they may be five minutes old.
	Members(ctx context.Context, group string, fresh bool) ([]string, error)
}

// Role is the access that a person has to a cluster. Operators and approvers
// also view; an approver is no operator.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
)

// lookup is how long rights may take to look up before an answer: people
// (and Slack) wait for it.
const lookup = 700 * time.Millisecond

// rights decides who may do what, from the config and the directory.
type rights struct {
	cfg *config.Config
	dir Directory
	log *slog.Logger
}

// may is the one decision on rights: every way in asks it, and it denies what
// it does not allow. cluster may be "" for what concerns no cluster. With
// fresh, group members are fetched now. An error means that the rights could
// not be looked up; nothing is allowed then.
//
// A caller at the admin socket has passed the file's mode: an operator, never
// an approver. A schedule has the rights of the reviewed config file, and so
// do the runs that follow others.
func (rs *rights) may(ctx context.Context, p runs.Principal, role Role, cluster string, fresh bool) (bool, error) {
	if p.Source == runs.FromLocal || p.Source == runs.FromSchedule || p == runs.System {
		return role != Approver, nil
	}
	acc := rs.access(cluster)
	lists := [][]string{acc.Approver}
	switch role {
	case Operator:
		lists = [][]string{acc.Operator}
	case Viewer:
		lists = [][]string{acc.Viewer, acc.Operator, acc.Approver}
	case Approver:
	}
	return rs.listed(ctx, p.ID, slices.Concat(lists...), fresh)
}

// samePerson reports whether two principals are one person, who may have an
// account on alsbot's host beside the one in Slack.
func (rs *rights) samePerson(p, q runs.Principal) bool { return rs.account(p) == rs.account(q) }

func (rs *rights) account(p runs.Principal) runs.Principal {
	if id := rs.cfg.Admin.Users[p.ID]; p.Source == runs.FromLocal && id != "" {
		return runs.Principal{Source: runs.FromSlack, ID: id}
	}
	return runs.Principal{Source: p.Source, ID: p.ID}
}

// access returns who may do what on a cluster. A cluster that has left the
// config shows nothing to plain viewers: nobody knows whom it was closed to.
func (rs *rights) access(cluster string) config.Access {
	if c, ok := rs.cfg.Cluster(cluster); ok {
		return c.AccessOf(rs.cfg.Access)
	}
	general := rs.cfg.Access
	if cluster != "" {
		general.Viewer = nil
	}
	return general
}

// listed reports whether a user is among the IDs, by name or by group. It looks
// groups up only when nothing cheaper decides.
func (rs *rights) listed(ctx context.Context, user string, ids []string, fresh bool) (bool, error) {
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
		members, err := rs.dir.Members(ctx, id, fresh)
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

// authorize refuses, in words, a request that its author may not make, or that
// lacks the reason which policy asks for.
func (rs *rights) authorize(ctx context.Context, by runs.Principal, effect als.Effect, req als.Request) error {
	role := Operator
	if effect == als.Read || req.Dry {
		role = Viewer
	}
	if err := rs.requireRole(ctx, by, role, req.Cluster); err != nil {
		return err
	}
	if rs.cfg.Approval.Reason && req.Reason == "" && !req.Dry && by.Source != runs.FromSchedule && (policy{rs.cfg}).guarded(effect) {
		return &als.Refusal{Text: "This needs approval, and approvers want to know why",
			Next: als.Advise("Add --reason \"…\"")}
	}
	return nil
}

// requireRole refuses, in words, a person who does not have the role.
func (rs *rights) requireRole(ctx context.Context, by runs.Principal, role Role, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	ok, err := rs.may(ctx, by, role, cluster, false)
	where := ""
	if cluster != "" {
		where = " on @" + cluster
	}
	switch {
	case err != nil:
		return rs.unknown(by, err)
	case !ok:
		return &als.Refusal{Text: fmt.Sprintf("This needs the %s role%s, which you do not have", role, where),
			Next: als.Advise("Type %s to see what you may do; the %s section of alsbot's config decides", als.Typed("whoami"), als.Typed("access"))}
	}
	return nil
}

func (rs *rights) unknown(by runs.Principal, err error) error {
	rs.log.Warn("looking up rights", "user", by.ID, "error", err)
	return &als.Refusal{Text: "Your rights could not be looked up in Slack just now, so nothing was started", Next: als.Advise("Try again in a minute")}
}

// visible lists the clusters that a person may see. It refuses a person who may
// see none, or whose rights cannot be looked up: a list with gaps lies.
func (rs *rights) visible(ctx context.Context, by runs.Principal) (clusters, error) {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	var seen clusters
	for _, c := range rs.cfg.Clusters {
		ok, err := rs.may(ctx, by, Viewer, c.Name, false)
		if err != nil {
			return nil, rs.unknown(by, err)
		}
		if ok {
			seen = append(seen, c)
		}
	}
	if len(seen) == 0 {
		return nil, rs.requireRole(ctx, by, Viewer, "")
	}
	return seen, nil
}
