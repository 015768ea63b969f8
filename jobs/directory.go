package jobs

import (
	"context"

	"alsbot/als"
)

// Directory answers who is who in Slack.
type Directory interface {
	// InGroup reports whether a person is a member of a user group.
	InGroup(ctx context.Context, user, group string, f Freshness) (bool, error)
	// Members returns the user IDs of a group. With fresh they are looked up
	// now, else they may be five minutes old.
	Members(ctx context.Context, group string, fresh bool) ([]string, error)
	// Person returns who a user ID is. named says that the config gives the
	// person a role, by ID or by group: look-ups that others cause can't hold
	// up theirs.
	Person(ctx context.Context, user string, named bool, f Freshness) (Person, error)
}

// Freshness says how old an answer of the directory may be.
type Freshness int

const (
	// Cached answers may be five minutes old: for commands.
	Cached Freshness = iota
	// FreshYes is for a press of a button, which anyone can make: a no may be
	// five minutes old, so it costs nothing; a yes is looked up now.
	FreshYes
	// Fresh answers are looked up now, for people who had rights before.
	Fresh
)

// Person is what Slack knows of a user ID.
type Person struct {
	Standing Standing
	Name     string // the user name; "" if it is not known, or has odd characters
}

// Standing is what a person is in alsbot's own workspace, or in the
// organization that the workspace belongs to.
type Standing int

// The standings. The zero value counts for nobody.
const (
	Nobody      Standing = iota
	FullMember           // of alsbot's own workspace or organization
	NotLookedUp          // Slack does not let alsbot look people up; the delivery named alsbot's workspace
	Guest
	Stranger // of another organization, by Slack Connect
	BotAccount
	Deactivated
)

// Counts reports whether the person has the rights that the config gives.
func (s Standing) Counts() bool { return s == FullMember || s == NotLookedUp }

// refusal says why a person has no rights at all; nil if the person can have
// some.
func (s Standing) refusal() *als.Refusal {
	what := "is unknown to Slack"
	switch s {
	case FullMember, NotLookedUp:
		return nil
	case Guest:
		what = "is a guest account"
	case Stranger:
		what = "belongs to another organization (Slack Connect)"
	case BotAccount:
		what = "is a bot"
	case Deactivated:
		what = "is deactivated"
	case Nobody:
	}
	return &als.Refusal{Text: "Your Slack account " + what + ", and only full members of alsbot's own workspace count. Nothing has changed",
		Next: als.Advise("Ask a full member of the workspace")}
}

// lookupError reports what Slack did not say about a person.
type lookupError struct {
	what string // as in "Slack did not say …"
	err  error
}

func (e *lookupError) Error() string { return "Slack did not say " + e.what + ": " + e.err.Error() }
func (e *lookupError) Unwrap() error { return e.err }
