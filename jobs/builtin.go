package jobs

import (
	"context"
	"log/slog"
	"slices"
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
	log     *slog.Logger
	// catalogue is Operations, which can't be named here: its values refer to
	// the methods of builtins.
	catalogue als.Catalogue
}

// builtin is one of alsbot's own commands: its grammar, its help and its answer,
// which is a reply or another command that is asked for instead.
type builtin struct {
	op      als.Operation
	effect  als.Effect
	reply   func(*builtins, context.Context, call) (Answer, error)
	instead func(*builtins, context.Context, call) (command string, err error)
}

// call is one of alsbot's own commands, as it was asked for.
type call struct {
	Ask
	req als.Request
}

// builtinCommands lists alsbot's own commands in the order of help.
var builtinCommands = []builtin{
	helpCommand, clustersCommand, whoamiCommand,
	runsCommand, runCommand, outputCommand, cancelCommand, retryCommand, acknowledgeCommand, approvalsCommand, auditCommand,
	scheduleListCommand, scheduleRunCommand, schedulePauseCommand, scheduleResumeCommand,
}

// Operations is everything that can be asked for, in the order of help: what
// als knows, and alsbot's own commands.
var Operations = catalogue(builtinCommands)

func catalogue(own []builtin) als.Catalogue {
	all := slices.Clone(als.Operations)
	for _, b := range own {
		op := b.op
		if _, known := all.Find(op.Name); known {
			continue // the parser's own
		}
		op.Family, op.Builtin = als.FamilyBuiltin, true
		op.Effect = func(als.Request) als.Effect { return b.effect }
		all = append(all, op)
	}
	return all
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
	command := b.find(req.Operation)
	changes := command.effect != als.Read
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
	ans, instead, err = b.call(ctx, command, call{Ask: a, req: req})
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

// find returns one of alsbot's own commands. The parser knows no others.
func (b *builtins) find(name string) builtin {
	i := slices.IndexFunc(builtinCommands, func(c builtin) bool { return c.op.Name == name })
	return builtinCommands[i]
}

func (b *builtins) call(ctx context.Context, command builtin, c call) (ans Answer, instead string, err error) {
	if c.req.Cluster != "" {
		if _, err := b.rights.cluster(ctx, c.By, c.req.Cluster, ""); err != nil {
			return ans, "", err
		}
	}
	if command.instead != nil {
		instead, err = command.instead(b, ctx, c)
		return ans, instead, err
	}
	ans, err = command.reply(b, ctx, c)
	return ans, "", err
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
