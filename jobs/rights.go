package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
)

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

// deny is the one decision on rights: every way in asks it, and it denies what
// it does not allow. It returns nil if the person has the role, else the
// refusal. cluster may be "" for what concerns no cluster. An error means that
// the rights could not be looked up; nothing is allowed then.
//
// A caller at the admin socket has passed the file's mode: an operator, never
// an approver. A schedule has the rights of the reviewed config file, and so
// do the runs that follow others. In Slack only full members of the workspace
// count, however the config names them.
func (rs *rights) deny(ctx context.Context, p runs.Principal, role Role, cluster string, f Freshness) (*als.Refusal, error) {
	no := lacks(role, cluster)
	if p.Source == runs.FromLocal || p.Source == runs.FromSchedule || p == runs.System {
		if role == Approver {
			return no, nil
		}
		return nil, nil
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
	listed, named, err := rs.listed(ctx, p.ID, slices.Concat(lists...), f)
	switch {
	case err != nil:
		return nil, err
	case !listed:
		return no, nil
	}
	who, err := rs.dir.Person(ctx, p.ID, named, f)
	if err != nil {
		return nil, &lookupError{"who you are", err}
	}
	return who.Standing.refusal(), nil
}

// lacks refuses a person who does not have a role.
func lacks(role Role, cluster string) *als.Refusal {
	what, where, after := "This", "", ""
	if role == Approver {
		what, after = "Deciding this", ". Nothing has changed"
	}
	if cluster != "" {
		where = " on @" + cluster
	}
	return &als.Refusal{Text: fmt.Sprintf("%s needs the %s role%s, which you do not have%s", what, role, where, after),
		Next: als.Advise("Type %s to see what you may do; the %s section of alsbot's config decides", als.Typed("whoami"), als.Typed("access"))}
}

// may reports whether a person has a role.
func (rs *rights) may(ctx context.Context, p runs.Principal, role Role, cluster string, f Freshness) (bool, error) {
	no, err := rs.deny(ctx, p, role, cluster, f)
	return err == nil && no == nil, err
}

// named gives a person the name that Slack knows by the ID: what a delivery
// says of its author is no identity. Without Slack, the ID is the name.
func (rs *rights) named(ctx context.Context, p runs.Principal) runs.Principal {
	if p.Source != runs.FromSlack {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	who, err := rs.dir.Person(ctx, p.ID, false, Cached)
	if err != nil {
		who.Name = ""
	}
	p.Handle = who.Name
	return p
}

// samePerson reports whether two principals are one person, who may have an
// account on alsbot's host beside the one in Slack.
func (rs *rights) samePerson(p, q runs.Principal) bool { return rs.account(p) == rs.account(q) }

// ownVote says in words that an approval is the requester's own and doesn't
// count; "" if it counts. The config, which says who is who, can have changed
// since the press.
func (rs *rights) ownVote(voter, requester runs.Principal) string {
	if rs.samePerson(voter, requester) && !rs.cfg.Approval.Self {
		return voter.Name() + " asked for this, and somebody else has to approve it"
	}
	return ""
}

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

// listed reports whether a user is among the IDs, and whether it is named, by
// ID or by group, and not just one of everybody. It looks groups up only when
// nothing cheaper decides.
func (rs *rights) listed(ctx context.Context, user string, ids []string, f Freshness) (listed, named bool, trouble error) {
	switch {
	case user == "":
		return false, false, nil
	case slices.Contains(ids, user):
		return true, true, nil
	case slices.Contains(ids, "*"):
		return true, false, nil
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, "S") {
			continue
		}
		member, err := rs.dir.InGroup(ctx, user, id, f)
		if err != nil {
			trouble = &lookupError{"who is in user group " + id, err}
			continue
		}
		if member {
			return true, true, nil
		}
	}
	return false, false, trouble
}

// authorize refuses, in words, a request that its author may not make, or that
// lacks the reason which policy asks for. What needs approval can be asked for
// only by somebody whom alsbot knows in Slack: else the same person could
// approve it there.
func (rs *rights) authorize(ctx context.Context, by runs.Principal, op als.Operation, req als.Request) error {
	effect := op.Effect(req)
	role := Operator
	leaves := op.Leaves != nil && op.Leaves(req)
	if !leaves && (req.Dry || effect == als.Read && !op.Private) {
		role = Viewer
	}
	if err := rs.requireRole(ctx, by, role, req.Cluster); err != nil {
		return err
	}
	if op.Private && !req.Dry {
		if _, ok := rs.inSlack(by); !ok {
			return rs.unmapped(by, "`"+op.Name+"` goes to the person who asks, by direct message")
		}
	}
	guarded := !req.Dry && by.Source != runs.FromSchedule && policy{rs.cfg}.guarded(effect)
	if _, ok := rs.inSlack(by); guarded && !ok {
		return rs.unmapped(by, "This needs approval by somebody other than the person who asks")
	}
	if guarded && rs.cfg.Approval.Reason && req.Reason == "" {
		return &als.Refusal{Text: "This needs approval, and approvers want to know why",
			Next: als.Advise("Add --reason \"…\"")}
	}
	return nil
}

// inSlack returns the user ID in Slack of a person who asks.
func (rs *rights) inSlack(p runs.Principal) (id string, ok bool) {
	account := rs.account(p)
	return account.ID, account.Source == runs.FromSlack
}

// unmapped refuses what needs a person in Slack to somebody of whom alsbot
// knows none.
func (rs *rights) unmapped(by runs.Principal, why string) error {
	if by.Source != runs.FromLocal {
		return &als.Refusal{Text: why + ", and " + by.Name() + " is no person in Slack", Next: als.Advise("Have a person ask for it in Slack")}
	}
	if by.ID == runs.UnknownAccount {
		return &als.Refusal{Text: why + ", and the kernel didn't say whose command this is. Nothing was started",
			Next: als.Advise("Ask in Slack; or let alsbot's user read /proc/PID/loginuid (no hidepid, the same PID namespace)")}
	}
	return &als.Refusal{
		Text: fmt.Sprintf("%s, and alsbot doesn't know who %s is in Slack. Nothing was started", why, by.ID),
		Next: als.Advise("Ask in Slack; or add `%s` with the person's Slack user ID (U…) to `admin.users` in alsbot's config and restart alsbot", by.ID),
	}
}

// requireRole refuses, in words, a person who does not have the role.
func (rs *rights) requireRole(ctx context.Context, by runs.Principal, role Role, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	no, err := rs.deny(ctx, by, role, cluster, Cached)
	switch {
	case err != nil:
		return rs.unknown(by, err)
	case no != nil:
		return no
	}
	return nil
}

func (rs *rights) unknown(by runs.Principal, err error) error {
	rs.log.Warn("looking up rights", "user", by.ID, "error", err)
	return &als.Refusal{Text: "Your rights could not be looked up in Slack just now" + unsaid(err) + ", so nothing was started", Next: als.Advise("Try again in a minute")}
}

// unsaid names what Slack did not say, for a sentence about rights.
func unsaid(err error) string {
	var e *lookupError
	if !errors.As(err, &e) {
		return ""
	}
	return " (Slack did not say " + e.what + ")"
}

// visible lists the clusters that a person may see, or only one of them. It
// refuses a person who may see none, or whose rights cannot be looked up: a list
// with gaps lies.
func (rs *rights) visible(ctx context.Context, by runs.Principal, only string) (clusters, error) {
	if c, ok := rs.cfg.Cluster(only); ok {
		return clusters{c}, rs.requireRole(ctx, by, Viewer, only)
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	var seen clusters
	for _, c := range rs.cfg.Clusters {
		ok, err := rs.may(ctx, by, Viewer, c.Name, Cached)
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
