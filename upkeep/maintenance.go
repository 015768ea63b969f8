package upkeep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// leftOn records that a cluster's maintenance mode was on while no run needed
// it. Nobody can deploy then, and nothing else says why.
type leftOn struct {
	Seen     time.Time `json:"seen"`          // first
	Notified time.Time `json:"told,omitzero"` // last, in the channel
}

var leftOns = store.Bucket[leftOn]{Name: "maintenance"} // cluster

const (
	// mayStay is how long maintenance mode may be on after a run has turned it
	// on before it counts as left on: the run's report has said how it ends.
	mayStay      = time.Hour
	lookBack     = 1000 // runs among which to find the one that turned it on
	probesAtOnce = 8    // clusters
)

// watchMaintenance says once a day, in a cluster's channel, that maintenance mode
// is on, unless a run needs it. It passes over an unreachable cluster: others
// say that it is down.
func (u *Upkeep) watchMaintenance(ctx context.Context) error {
	errs := make([]error, len(u.cfg.Clusters))
	g := errgroup.Group{}
	g.SetLimit(probesAtOnce)
	for i, c := range u.cfg.Clusters {
		if c.Channel == "" {
			continue
		}
		g.Go(func() error {
			began := time.Now()
			on, known := u.maintenance(ctx, c)
			if known {
				errs[i] = u.st.Update(ctx, func(tx store.Tx) error { return noteMaintenance(tx, c.Name, on, began) })
			}
			return nil
		})
	}
	return errors.Join(append(errs, g.Wait())...)
}

// maintenance probes whether a cluster's maintenance mode is on.
func (u *Upkeep) maintenance(ctx context.Context, c config.Cluster) (on, known bool) {
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
	seen, err := u.prober.Probe(ctx, cluster, plan.Steps)
	if err != nil {
		u.log.Debug("looking at maintenance mode", "cluster", c.Name, "error", err)
		return false, false
	}
	v := op.Judge(req, cluster, plan, seen)
	return v.Data.Maintenance == "on", v.Outcome == als.Succeeded
}

// noteMaintenance records what a probe has seen that began at some time, and
// tells the channel if that is due.
func noteMaintenance(tx store.Tx, cluster string, on bool, began time.Time) error {
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
	if !lately(left.Notified, began) {
		left.Notified = began
		err = runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: cluster, Text: leftOnWords(cluster, left, who, since)})
	}
	return errors.Join(err, leftOns.Put(tx, cluster, left))
}

func leftOnWords(cluster string, left leftOn, who *runs.Run, since time.Time) string {
	const clock = "2006-01-02 15:04 MST"
	by := fmt.Sprintf("no run of alsbot turned it on; it was first seen at %s", left.Seen.UTC().Format(clock))
	if who != nil {
		by = fmt.Sprintf("run %s (`%s`, asked by %s) turned it on at %s", who.ID, who.Text, who.By.Name(), since.UTC().Format(clock))
	}
	return fmt.Sprintf("Maintenance mode of @%s is on and no run needs it: %s. Nobody can deploy or change anything meanwhile. Type `maintenance off @%s` when the work is done.",
		cluster, by, cluster)
}

// turnedOn finds the run that turned maintenance mode on, nil if none did, and
// when. held is true if a run that may need it is at work, or was since the
// probe began.
func turnedOn(tx store.Tx, cluster string, began time.Time) (who *runs.Run, since time.Time, held bool, err error) {
	n, found := 0, false
	err = runs.Latest(tx, cluster, func(r runs.Run) bool {
		if r.Effect == als.Read {
			return true
		}
		n++
		held = held || r.State == runs.Running || r.Ended.After(began)
		if on, at, did := switched(r); did && !found {
			found = true
			if on {
				who, since = &r, at
			}
		}
		return n < lookBack && !held && !found
	})
	return who, since, held, err
}

// switched returns what a run did last to maintenance mode, and when.
func switched(r runs.Run) (on bool, at time.Time, did bool) {
	for _, s := range r.Steps {
		if to, ok := als.SetsMaintenance(s.Step); ok && s.Exit != nil && *s.Exit == 0 {
			on, at, did = to, s.Ended, true
		}
	}
	return on, at, did
}
