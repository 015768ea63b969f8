package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/config"
	"alsbot/store"
)

// leftOn is a cluster's maintenance mode that was seen on while no run needed
// it. Nobody can deploy meanwhile, and nothing else says why.
type leftOn struct {
	Seen time.Time `json:"seen"`          // first
	Told time.Time `json:"told,omitzero"` // last, to the channel
}

var leftOns = store.Bucket[leftOn]{Name: "maintenance"} // cluster

const (
	sayAgain = 24 * time.Hour // until a cluster's channel is told again
	// mayStay is how long maintenance mode may be on after a run has turned
	// it on before it counts as left over: its report has said how it ends.
	mayStay  = time.Hour
	lookBack = 1000 // runs in which the one that turned it on is looked for
)

// watchMaintenance looks whether maintenance mode is on anywhere, and says so
// in the cluster's channel once a day, unless a run holds it. A cluster that
// cannot be asked is passed over: others say that it is down.
func (e *Engine) watchMaintenance(ctx context.Context) error {
	errs := make([]error, len(e.cfg.Clusters))
	g := errgroup.Group{}
	g.SetLimit(looksAtOnce)
	for i, c := range e.cfg.Clusters {
		if c.Channel == "" {
			continue
		}
		g.Go(func() error {
			began := time.Now()
			on, known := e.maintenance(ctx, c)
			if known {
				errs[i] = e.st.Update(ctx, func(tx store.Tx) error { return e.noteMaintenance(tx, c.Name, on, began) })
			}
			return nil
		})
	}
	return errors.Join(append(errs, g.Wait())...)
}

// maintenance looks whether a cluster's maintenance mode is on.
func (e *Engine) maintenance(ctx context.Context, c config.Cluster) (on, known bool) {
	req := als.Request{Operation: "maintenance status", Cluster: c.Name}
	op, ok := als.Operations.Find(req.Operation)
	if !ok {
		return false, false
	}
	cluster := als.Cluster{Name: c.Name, Kato: c.Kato}
	plan, err := op.Plan(req, cluster, nil)
	if err != nil {
		return false, false
	}
	seen, err := e.look(ctx, cluster, plan.Steps)
	if err != nil {
		e.log.Debug("looking at maintenance mode", "cluster", c.Name, "error", err)
		return false, false
	}
	v := op.Judge(req, cluster, plan, seen)
	return v.Data["maintenance"] == "on", v.Outcome == als.Succeeded
}

// noteMaintenance writes down what a look has seen that began at some time,
// and tells the channel if it has to be told.
func (e *Engine) noteMaintenance(tx store.Tx, cluster string, on bool, began time.Time) error {
	left, _, err := leftOns.Get(tx, cluster)
	if err != nil || !on {
		return errors.Join(err, leftOns.Delete(tx, cluster))
	}
	who, since, held, err := turnedOn(tx, cluster, began)
	if err != nil || held || who != nil && began.Sub(since) < mayStay {
		return err
	}
	if left.Seen.IsZero() {
		left.Seen = began
	}
	if !lately(left.Told, began) {
		left.Told = began
		err = e.tell(tx, Outgoing{Kind: TellChannel, Cluster: cluster, Text: leftOnWords(cluster, left, who, since)})
	}
	return errors.Join(err, leftOns.Put(tx, cluster, left))
}

func leftOnWords(cluster string, left leftOn, who *Run, since time.Time) string {
	const clock = "2006-01-02 15:04 MST"
	by := fmt.Sprintf("no run of alsbot turned it on; it was first seen at %s", left.Seen.UTC().Format(clock))
	if who != nil {
		by = fmt.Sprintf("run %s (`%s`, asked by %s) turned it on at %s", who.ID, who.Text, who.By.Name(), since.UTC().Format(clock))
	}
	return fmt.Sprintf("Maintenance mode of @%s is on and no run needs it: %s. Nobody can deploy or change anything meanwhile. Type `maintenance off @%s` when the work is done.",
		cluster, by, cluster)
}

// turnedOn finds the run that has turned maintenance mode on, nil if it was
// none, and when. held is true if a run that may hold it is at work, or was
// since the look began.
func turnedOn(tx store.Tx, cluster string, began time.Time) (who *Run, since time.Time, held bool, err error) {
	var bad error
	n, found := 0, false
	err = runsOf.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_, id string) bool {
		r, ok, err := runs.Get(tx, id)
		if bad = err; !ok || r.Effect == als.Read {
			return bad == nil
		}
		n++
		held = held || r.State == Running || r.Ended.After(began)
		if on, at, did := r.switched(); did && !found {
			found = true
			if on {
				who, since = &r, at
			}
		}
		return bad == nil && n < lookBack && !held && !found
	})
	return who, since, held, errors.Join(err, bad)
}

// switched is what a run did last to maintenance mode, and when.
func (r *Run) switched() (on bool, at time.Time, did bool) {
	for _, s := range r.Steps {
		if to, ok := als.SetsMaintenance(s.Step); ok && s.Exit != nil && *s.Exit == 0 {
			on, at, did = to, s.Ended, true
		}
	}
	return on, at, did
}
