package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"alsbot/runs"
)

// approversLookup is how long alsbot looks up, before it posts a request, who
// can approve it.
const approversLookup = 5 * time.Second

// unapprovable says in words why a request can't get the approvals that it
// needs, as things are; "" if it can, or if that can't be looked up: alsbot says
// only what it has seen.
func (rs *rights) unapprovable(ctx context.Context, r runs.Run) string {
	ctx, cancel := context.WithTimeout(ctx, approversLookup)
	defer cancel()
	quorum := rs.cfg.Approval.Quorum
	for _, f := range []Freshness{Cached, Fresh} { // a cached list may lack who was added since
		able, own, err := rs.approvers(ctx, r, quorum, f)
		if err != nil {
			rs.log.Warn("looking up who can approve", "run", r.ID, "error", err)
			return ""
		}
		if able >= quorum {
			return ""
		}
		if f == Fresh {
			return tooFew(able, own, quorum, r.Request.Cluster)
		}
	}
	return ""
}

// approvers counts the people who can approve a run, up to most, and reports
// whether the requester would be one of them.
func (rs *rights) approvers(ctx context.Context, r runs.Run, most int, f Freshness) (able int, own bool, err error) {
	ids := rs.access(r.Request.Cluster).Approver
	if slices.Contains(ids, "*") {
		return most, false, nil
	}
	requester, _ := rs.inSlack(r.By)
	var seen []string
	for _, id := range ids {
		users := []string{id}
		if strings.HasPrefix(id, "S") {
			if users, err = rs.dir.Members(ctx, id, f == Fresh); err != nil {
				return 0, false, err
			}
		}
		for _, user := range users {
			if slices.Contains(seen, user) {
				continue
			}
			seen = append(seen, user)
			who, err := rs.dir.Person(ctx, user, true, f)
			if err != nil {
				return 0, false, err
			}
			isRequester := user == requester && !rs.cfg.Approval.Self
			switch {
			case !who.Standing.Counts():
			case isRequester:
				own = true
			default:
				able++
			}
			if able >= most {
				return able, own, nil
			}
		}
	}
	return able, own, nil
}

// tooFew says that fewer people can approve than have to.
func tooFew(able int, own bool, quorum int, cluster string) string {
	fix := ". It can only expire unless `access.approver`, or the user group there, gets somebody else"
	switch {
	case able > 0:
		needs := fmt.Sprintf("%d of the %d people whom this needs can approve it on @%s", able, quorum, cluster)
		return "only " + needs + fix
	case own:
		return "no one else can approve this: who asked is the only approver on @" + cluster + fix
	}
	return "no one can approve this: no full member of the workspace is an approver on @" + cluster + fix
}
