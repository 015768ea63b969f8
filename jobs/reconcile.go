package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/store"
)

// Reconciled is what a comparison of the nodes with the store has found.
type Reconciled struct {
	Nodes  []string // that answered, by IP and cluster
	Known  int      // commands that nodes hold and the store knows as they are
	Found  []Found  // the others, by node and ID
	Silent []string // nodes that could not be asked, each with why
	// Unnamed are the clusters that do not name their nodes now, each with why
	// and which nodes were asked instead: there may be others.
	Unnamed []string
}

// Found is a durable command on a node that the store does not know as it is.
type Found struct {
	Node    string
	ID      string // of the command; its run's, a dash and the step's number
	Run     string
	Command string // as far as the node still has it, safe to print
	State   executor.State
	Status  int   // if State is finished
	Size    int64 // bytes of output
	// At is when it ended there or, if it has not, began; zero if the node
	// does not know.
	At time.Time
	// Store says what the store knows of it: "unknown", or how the run stands
	// there.
	Store string
}

// Reconcile asks every node of every cluster which durable commands it holds,
// and compares them with the store. After the store was put back to an
// earlier snapshot these are what it has forgotten. Nothing is run, and
// nothing is changed on the nodes or in the store.
func (e *Engine) Reconcile(ctx context.Context) (Reconciled, error) {
	var found Reconciled
	all, err := e.everyNode(ctx, &found)
	if err != nil {
		return found, err
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for _, t := range all {
		g.Go(func() error {
			held, err := e.exec.List(gctx, t)
			if gctx.Err() != nil {
				return gctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				found.Silent = append(found.Silent, err.Error())
				return nil
			}
			found.Nodes = append(found.Nodes, t.Name)
			return e.compare(gctx, t.Name, held, &found)
		})
	}
	err = g.Wait()
	slices.Sort(found.Nodes)
	slices.Sort(found.Silent)
	slices.Sort(found.Unnamed)
	slices.SortFunc(found.Found, func(a, b Found) int {
		return strings.Compare(a.Node+" "+a.ID, b.Node+" "+b.ID)
	})
	return found, err
}

// everyNode is how each node is reached, once each: those that the clusters
// name now and, if a cluster does not, those that its last run saw.
func (e *Engine) everyNode(ctx context.Context, found *Reconciled) ([]executor.Target, error) {
	all := map[executor.Target]executor.Target{} // several clusters may be the same nodes
	for _, c := range e.cfg.Clusters {
		nodes, err := e.nodesOf(ctx, c)
		if err != nil {
			var instead string
			if nodes, instead, err = e.nodesSeen(ctx, c.Name, err); err != nil {
				return nil, err
			}
			found.Unnamed = append(found.Unnamed, instead)
		}
		ips := []string{als.Core}
		for _, n := range nodes {
			ips = append(ips, n.IP)
		}
		for _, ip := range ips {
			t, err := Target(c, nodes, ip)
			if err != nil {
				found.Silent = append(found.Silent, err.Error())
				continue
			}
			same := t
			same.Name = ""
			if _, ok := all[same]; !ok {
				all[same] = t
			}
		}
	}
	return slices.Collect(maps.Values(all)), nil
}

// nodesOf asks a cluster for its nodes.
func (e *Engine) nodesOf(ctx context.Context, c config.Cluster) ([]als.Node, error) {
	generation := als.Generation("")
	if c.Generation != "auto" {
		generation = als.Generation(c.Generation)
	}
	seen, err := e.look(ctx, als.Cluster{Name: c.Name, Kato: c.Kato, Generation: generation}, als.SurveySteps(c.Kato))
	if err != nil {
		return nil, err
	}
	_, _, nodes, findings := als.ReadSurvey(seen, generation)
	if len(nodes) > 0 {
		return nodes, nil
	}
	for _, f := range findings {
		err = errors.Join(err, errors.New(f.Text))
	}
	return nil, err
}

// nodesSeen are the nodes that the last run of a cluster saw which saw any.
// It says so in words, with why they are asked for.
func (e *Engine) nodesSeen(ctx context.Context, cluster string, why error) (nodes []als.Node, says string, err error) {
	says = fmt.Sprintf("@%s does not name its nodes now (%v)", cluster, why)
	var last Run
	err = e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := runsOf.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_, id string) bool {
			last, _, bad = runs.Get(tx, id)
			return bad == nil && len(last.Cluster.Nodes) == 0
		})
		return errors.Join(err, bad)
	})
	if nodes = last.Cluster.Nodes; len(nodes) == 0 {
		return nil, says + ". No run on record has seen any: only its core was tried", err
	}
	return nodes, fmt.Sprintf("%s. Those were tried that run %s saw at %s; a node that came later is not among them",
		says, last.ID, last.Asked.UTC().Format("2006-01-02 15:04 MST")), err
}

// compare looks each command up that a node holds. The store is read after
// the node was asked, so that what began in between is not taken for unknown.
func (e *Engine) compare(ctx context.Context, node string, held []executor.Held, found *Reconciled) error {
	return e.st.View(ctx, func(tx store.Tx) error {
		for _, h := range held {
			run, _, _ := strings.Cut(h.ID, "-")
			r, ok, err := runs.Get(tx, run)
			if err != nil {
				return err
			}
			says := "unknown"
			if ok {
				says = r.believes(h)
			}
			if says == "" {
				found.Known++
				continue
			}
			found.Found = append(found.Found, Found{
				Node: node, ID: h.ID, Run: run, Command: h.Command, State: h.State, Status: h.Status, Size: h.Size, At: h.At, Store: says,
			})
		}
		return nil
	})
}

// believes says how the run stands in the store if that is not how the node
// has it, "" if they agree. What is being read now does.
func (r Run) believes(h executor.Held) string {
	i := slices.IndexFunc(r.Steps, func(s StepRecord) bool { return s.ID == h.ID })
	switch {
	case h.State == executor.Revoked || h.State == executor.Prepared || h.State == executor.NotBegun:
		return "" // it has done nothing
	case i < 0:
		return string(r.State) + ", not begun"
	case r.State == Running:
		return ""
	case h.State != executor.Finished:
		if r.State == Lost && h.State != executor.Running && h.State != executor.Orphan {
			return ""
		}
		return string(r.State)
	case r.Steps[i].Exit == nil:
		return string(r.State) + ", without an exit status"
	case *r.Steps[i].Exit != h.Status:
		return fmt.Sprintf("%s, exit %d", r.State, *r.Steps[i].Exit)
	}
	return ""
}
