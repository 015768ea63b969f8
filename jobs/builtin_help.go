package jobs

import (
	"context"
	"strings"

	"alsbot/als"
	"alsbot/runs"
)

// helpCommand answers `help`, whose grammar the parser knows.
var helpCommand = builtin{reply: (*builtins).help, effect: als.Read, op: als.Operation{Name: "help"}}

var whoamiCommand = builtin{reply: (*builtins).whoami, effect: als.Read, op: als.Operation{
	Name:    "whoami",
	Summary: "show what you may do, and on which clusters",
	Example: "whoami",
}}

func (b *builtins) help(ctx context.Context, c call) (Answer, error) {
	if err := b.rights.requireRole(ctx, c.By, Viewer, ""); err != nil {
		return Answer{}, err
	}
	text, err := als.Help(b.catalogue, strings.Join(c.req.Args, " "))
	return Answer{Pre: text}, err
}

func (b *builtins) whoami(ctx context.Context, c call) (Answer, error) {
	who := "You are " + c.By.Name() + ". "
	if c.By.Source == runs.FromSlack {
		p, err := b.rights.dir.Person(ctx, c.By.ID, false, Cached)
		if no := p.Standing.refusal(); err == nil && no != nil {
			return Answer{Text: who + no.Error() + "."}, nil
		}
	}
	n := 0
	t := newTable("CLUSTER", "VIEWER", "OPERATOR", "APPROVER")
	for _, cluster := range b.cfg.Clusters {
		row, some := []string{"@" + cluster.Name}, false
		for _, role := range []Role{Viewer, Operator, Approver} {
			ok, err := b.rights.may(ctx, c.By, role, cluster.Name, Cached)
			word := "no"
			switch {
			case err != nil:
				word = "unknown (Slack did not answer)"
			case ok:
				word = "yes"
			}
			row, some = append(row, word), some || word != "no"
		}
		if some { // the others' names are not for everyone
			t.row(row...)
			n++
		}
	}
	if n == 0 {
		return Answer{Text: who + "You have no role on any cluster; the `access` section of alsbot's config says who has."}, nil
	}
	return Answer{Text: who + "Viewers look, operators ask for anything, approvers approve; the `access` section of alsbot's config says who is what.", Pre: t.String()}, nil
}
