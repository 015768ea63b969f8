package upkeep

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// Reconciled is the result of comparing the nodes with the store.
type Reconciled struct {
	Nodes  []string // that answered, by IP and cluster
	Known  int      // commands that nodes hold and the store knows as they are
	Found  []Found  // the others, by node and ID
	Silent []string // nodes that could not be asked, each with why
	// Unnamed are the clusters that do not name their nodes now, each with why
	// and which nodes were asked instead: there may be others.
	Unnamed []string
}

// Found is a durable command on a node that the store knows differently, or not.
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
// and compares them with the store. After the store was put back to an earlier
// snapshot, the difference is what the store has forgotten. Reconcile runs
// nothing and changes nothing.
func (u *Upkeep) Reconcile(ctx context.Context) (Reconciled, error) {
	var found Reconciled
	all, err := u.everyNode(ctx, &found)
	if err != nil {
		return found, err
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(probesAtOnce)
	for _, t := range all {
		g.Go(func() error {
			held, err := u.exec.List(gctx, t)
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
			return u.compare(gctx, t.Name, held, &found)
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

// everyNode returns the target of each node, once each: those that the clusters
// name now and, if a cluster names none, those that its last run saw.
func (u *Upkeep) everyNode(ctx context.Context, found *Reconciled) ([]executor.Target, error) {
	all := map[executor.Target]executor.Target{} // several clusters may be the same nodes
	for _, c := range u.cfg.Clusters {
		nodes, err := u.prober.Nodes(ctx, c)
		if err != nil {
			var instead string
			if nodes, instead, err = u.nodesSeen(ctx, c.Name, err); err != nil {
				return nil, err
			}
			found.Unnamed = append(found.Unnamed, instead)
		}
		ips := []string{als.Core}
		for _, n := range nodes {
			ips = append(ips, n.IP)
		}
		for _, ip := range ips {
			t, err := jobs.Target(u.cfg, c, nodes, ip)
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

// nodesSeen returns the nodes of the last run of a cluster that saw any. says
// tells people so, and why.
func (u *Upkeep) nodesSeen(ctx context.Context, cluster string, why error) (nodes []als.Node, says string, err error) {
	says = fmt.Sprintf("@%s does not name its nodes now (%v)", cluster, why)
	var last runs.Run
	err = u.st.View(ctx, func(tx store.Tx) error {
		return runs.Latest(tx, cluster, func(r runs.Run) bool {
			last = r
			return len(r.Cluster.Nodes) == 0
		})
	})
	if nodes = last.Cluster.Nodes; len(nodes) == 0 {
		return nil, says + ". No run on record has seen any: only its core was tried", err
	}
	return nodes, fmt.Sprintf("%s. Those were tried that run %s saw at %s; a node that came later is not among them",
		says, last.ID, last.Asked.UTC().Format("2006-01-02 15:04 MST")), err
}

// compare looks up each command that a node holds. It reads the store after the
// node has answered, so a command that began in between is not unknown.
func (u *Upkeep) compare(ctx context.Context, node string, held []executor.Held, found *Reconciled) error {
	return u.st.View(ctx, func(tx store.Tx) error {
		for _, h := range held {
			run, _, _ := strings.Cut(h.ID, "-")
			r, ok, err := runs.Get(tx, run)
			if err != nil {
				return err
			}
			says := "unknown"
			if ok {
				says = believes(r, h)
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

// believes says how the run stands in the store if that differs from the node,
// "" if they agree.
func believes(r runs.Run, h executor.Held) string {
	i := slices.IndexFunc(r.Steps, func(s runs.StepRecord) bool { return s.ID == h.ID })
	switch {
	case h.State == executor.Revoked || h.State == executor.Prepared || h.State == executor.NotBegun:
		return "" // it has done nothing
	case i < 0:
		return string(r.State) + ", not begun"
	case r.State == runs.Running:
		return ""
	case h.State != executor.Finished:
		if r.State == runs.Lost && h.State != executor.Running && h.State != executor.Orphan {
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
