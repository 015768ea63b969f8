package jobs

import (
	"context"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// builtins answers alsbot's own commands from the store and the config.
type builtins struct {
	cfg     *config.Config
	st      store.Store
	ledger  *runs.Ledger
	rights  *rights
	turns   *turns
	outputs *outputs
	kick    func(run string)
}

// builtin is the answer to one of alsbot's own commands: a reply, or another
// command that is asked for instead.
type builtin struct {
	name    string // of the operation in als
	reply   func(*builtins, context.Context, call) (Answer, error)
	instead func(*builtins, context.Context, call) (command string, err error)
}

// call is one of alsbot's own commands, as it was asked for.
type call struct {
	Ask
	req als.Request
}

// builtinAnswers lists the answers; a test finds a command that has none.
var builtinAnswers = []builtin{
	{name: "help", reply: (*builtins).help},
	{name: "clusters", reply: (*builtins).listClusters},
	{name: "whoami", reply: (*builtins).whoami},
	{name: "runs", reply: (*builtins).listRuns},
	{name: "run", reply: (*builtins).showRun},
	{name: "output", reply: (*builtins).showOutput},
	{name: "cancel", reply: (*builtins).cancel},
	{name: "acknowledge", reply: (*builtins).acknowledge},
	{name: "retry", instead: (*builtins).retry},
	{name: "approvals", reply: (*builtins).listApprovals},
	{name: "schedule list", reply: (*builtins).listSchedules},
	{name: "schedule run", instead: (*builtins).runSchedule},
	{name: "schedule pause", reply: (*builtins).pauseSchedule},
	{name: "schedule resume", reply: (*builtins).resumeSchedule},
}

// storedAnswer is the answer to a delivery, so the same delivery gets the same
// answer and has no second effect.
type storedAnswer struct {
	At     time.Time `json:"at"`
	Answer Answer    `json:"answer"`
}

var storedAnswers = store.Bucket[storedAnswer]{Name: "deliveries"} // key of a delivery

// answer answers one of alsbot's own commands, or returns the command to ask
// for instead. A command that changes something stores its answer, so the same
// delivery changes nothing twice.
func (b *builtins) answer(ctx context.Context, a Ask, req als.Request) (ans Answer, instead string, err error) {
	op, _ := als.Operations.Find(req.Operation)
	changes := op.Effect(req) != als.Read
	if changes {
		var done storedAnswer
		var again bool
		if err := b.st.View(ctx, func(tx store.Tx) (err error) {
			done, again, err = storedAnswers.Get(tx, a.Key)
			return err
		}); err != nil || again {
			return done.Answer, "", err
		}
	}
	ans, instead, err = b.call(ctx, call{Ask: a, req: req})
	if err != nil {
		ans, err = refused(err)
		return ans, "", err
	}
	if ans.Bad || !changes || instead != "" {
		return ans, instead, nil
	}
	return ans, "", b.st.Update(ctx, func(tx store.Tx) error {
		return storedAnswers.Put(tx, a.Key, storedAnswer{At: time.Now(), Answer: ans})
	})
}

func (b *builtins) call(ctx context.Context, c call) (ans Answer, instead string, err error) {
	if c.req.Cluster != "" {
		if _, err := findCluster(b.cfg, c.req.Cluster, ""); err != nil {
			return ans, "", err
		}
	}
	for _, known := range builtinAnswers {
		if known.name != c.req.Operation {
			continue
		}
		if known.instead != nil {
			instead, err = known.instead(b, ctx, c)
			return ans, instead, err
		}
		ans, err = known.reply(b, ctx, c)
		return ans, "", err
	}
	return ans, "", &als.Refusal{Text: fmt.Sprintf("`%s` has no answer in this version of alsbot", c.req.Operation), Next: "Type `help` to see all commands"}
}

// ForgetAnswers removes up to most answers from before limit.
func ForgetAnswers(tx store.Tx, limit time.Time, most int) error {
	var old []string
	if err := storedAnswers.Scan(tx, store.Range{}, func(key string, d storedAnswer) bool {
		if d.At.Before(limit) {
			old = append(old, key)
		}
		return len(old) < most
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := storedAnswers.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}
