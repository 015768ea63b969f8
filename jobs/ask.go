package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// delivery remembers what a command was answered, so that the same delivery
// gets the same answer and has no second effect.
type delivery struct {
	At     time.Time `json:"at"`
	Answer Answer    `json:"answer"`
}

// lookup is how long rights may take to look up before an answer: people
// (and Slack) wait for it.
const lookup = 700 * time.Millisecond

// Ask takes a command: it is parsed, its cluster found, its author
// authorised, and it is either answered from the store or becomes a run that
// is on disk when Ask returns. It never waits for a cluster. An error means
// that alsbot itself is in trouble; what is wrong with the command is in the
// answer.
func (e *Engine) Ask(ctx context.Context, a Ask) (Answer, error) {
	req, err := als.Parse(a.Text, als.Operations)
	if err != nil {
		if ans, decides, err := e.typed(ctx, a.By, a.Text); decides {
			return ans, err
		}
		return refused(err)
	}
	op, ok := als.Operations.Find(req.Operation)
	if !ok {
		return refused(&als.Refusal{Text: fmt.Sprintf("%q is not something alsbot can do", req.Operation), Next: "Type `help`"})
	}
	if op.Own && !req.Dry {
		return e.own(ctx, a, req)
	}
	id := runID(a.Key)
	if r, _, err := e.load(ctx, id); err == nil {
		return e.taken(r), nil // whatever keeps alsbot from taking new work now
	}
	if req.Cluster, err = e.cluster(req.Cluster, a.Origin.Channel); err != nil {
		return refused(err)
	}
	effect := op.Effect(req)
	if err := e.admit(ctx, a.By, effect, req); err != nil {
		return refused(err)
	}
	return e.accept(ctx, Run{
		ID:      id,
		Text:    als.Command(req),
		Request: req,
		Effect:  effect,
		By:      a.By,
		Origin:  a.Origin,
		State:   Planned,
		Asked:   time.Now().UTC().Round(0),
	})
}

// accept writes a new run down and sees that it is driven. The same ID again
// gets the same answer and nothing else.
func (e *Engine) accept(ctx context.Context, r Run) (Answer, error) {
	e.mu.Lock()
	stopping := e.stopping
	e.mu.Unlock()
	if stopping {
		return Answer{Bad: true, Text: "alsbot is shutting down. Nothing was started; ask again in a minute."}, nil
	}
	if err := e.st.Ready(); err != nil {
		return Answer{Bad: true, Text: "Nothing was started, because alsbot's own store takes no new work: " + err.Error() + ". What is under way goes on; ask again when that is mended."}, nil
	}
	err := e.st.Update(ctx, func(tx store.Tx) error {
		if _, ok, err := runs.Get(tx, r.ID); ok || err != nil {
			return err
		}
		return e.create(tx, &r)
	})
	if err != nil {
		return Answer{}, fmt.Errorf("writing the command down: %w", err)
	}
	e.kick(r.ID)
	return e.taken(r), nil
}

// taken is the answer to a command that has become a run.
func (e *Engine) taken(r Run) Answer {
	text := fmt.Sprintf("Run `%s`: %s", r.ID, r.Text)
	switch {
	case r.Effect == als.Read:
	case e.guarded(r.Effect) && !r.Request.Dry && r.By.Source != FromSchedule:
		text += ". Looking at the cluster first; what is to be done then waits for approval. Type `approvals` to see what waits."
	default:
		text += ". Looking at the cluster first."
	}
	return Answer{Text: text, Run: r.ID}
}

// refused turns what is wrong with a command into the answer.
func refused(err error) (Answer, error) {
	var ref *als.Refusal
	if !errors.As(err, &ref) {
		return Answer{}, err
	}
	return Answer{Text: ref.Error(), Bad: true}, nil
}

// cluster finds which cluster is meant: the one that was named, else the one
// that the channel belongs to, else the only one.
func (e *Engine) cluster(named, channel string) (string, error) {
	var names, here []string
	for _, c := range e.cfg.Clusters {
		names = append(names, c.Name)
		if channel != "" && (c.Channel == channel || c.Approvals == channel) {
			here = append(here, c.Name)
		}
	}
	switch {
	case named != "" && slices.Contains(names, named):
		return named, nil
	case named != "":
		next := "The clusters are " + at(names)
		if near := als.DidYouMean("@"+named, strings.Split(at(names), ", ")); near != "" {
			next = near + " Type `clusters` to see all"
		}
		return "", &als.Refusal{Text: fmt.Sprintf("There is no cluster %q", named), Next: next}
	case len(here) == 1:
		return here[0], nil
	case len(here) > 1:
		return "", &als.Refusal{Text: "This channel belongs to several clusters", Next: "Add one of " + at(here)}
	case len(names) == 1:
		return names[0], nil
	}
	return "", &als.Refusal{Text: "It is not clear which cluster is meant", Next: "Add one of " + at(names)}
}

func at(names []string) string { return "@" + strings.Join(names, ", @") }

// admit says whether somebody may ask for this, and whether it is asked for
// as policy wants.
func (e *Engine) admit(ctx context.Context, by Principal, effect als.Effect, req als.Request) error {
	role := Operator
	if effect == als.Read || req.Dry {
		role = Viewer
	}
	if err := e.must(ctx, by, role, req.Cluster); err != nil {
		return err
	}
	if e.cfg.Approval.Reason && req.Reason == "" && !req.Dry && by.Source != FromSchedule && e.guarded(effect) {
		return &als.Refusal{Text: "This needs approval, and approvers want to know why",
			Next: "Add --reason \"…\""}
	}
	return nil
}

// must refuses, in words, who does not have the role.
func (e *Engine) must(ctx context.Context, by Principal, role Role, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	ok, err := e.may(ctx, by, role, cluster, false)
	where := ""
	if cluster != "" {
		where = " on @" + cluster
	}
	switch {
	case err != nil:
		return e.unknownRights(by, err)
	case !ok:
		return &als.Refusal{Text: fmt.Sprintf("This needs the %s role%s, which you do not have", role, where),
			Next: "Type `whoami` to see what you may do; the `access` section of alsbot's config decides"}
	}
	return nil
}

func (e *Engine) unknownRights(by Principal, err error) error {
	e.log.Warn("looking up rights", "user", by.ID, "error", err)
	return &als.Refusal{Text: "Your rights could not be looked up in Slack just now, so nothing was started", Next: "Try again in a minute"}
}

// guarded reports whether policy asks for approval of this effect.
func (e *Engine) guarded(effect als.Effect) bool {
	return slices.Contains(e.cfg.Approval.Effects, string(effect))
}

// ids are 10 characters without those that are easily confused.
var ids = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// runID derives a run's ID from what asked for it, so that the same delivery
// or the same slot makes the same run.
func runID(key string) string {
	sum := sha256.Sum256([]byte("run\x00" + key))
	return ids.EncodeToString(sum[:])[:10]
}
