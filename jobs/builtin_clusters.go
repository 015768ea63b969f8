package jobs

import (
	"context"
	"fmt"
	"strings"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

var clustersCommand = builtin{reply: (*builtins).listClusters, effect: als.Read, op: als.Operation{
	Name:    "clusters",
	Summary: "list the clusters: what is in the line of each, and how old its last verified backup is",
	Example: "clusters",
}}

// listClusters lists the clusters that a person may see: where each is, what is
// in its queue, and how old its backup is. What a person has to do comes first.
func (b *builtins) listClusters(ctx context.Context, c call) (Answer, error) {
	seen, err := b.rights.visible(ctx, c.By, c.req.Cluster)
	if err != nil {
		return Answer{}, err
	}
	t := newTable("CLUSTER", "CORE", "LINE", "LAST VERIFIED BACKUP")
	var todo []string
	err = b.st.View(ctx, func(tx store.Tx) error {
		for _, cluster := range seen {
			queue, next, err := queueState(tx, cluster.Name)
			if err != nil {
				return err
			}
			if next != "" {
				todo = append(todo, next)
			}
			last, ok, err := runs.LastBackup(tx, cluster.Name)
			if err != nil {
				return err
			}
			backup := "none known"
			if ok {
				backup = ago(last.At) + " (run " + last.Run + ")"
			}
			t.row("@"+cluster.Name, cluster.Core, queue, backup)
		}
		return nil
	})
	return Answer{Text: strings.Join(todo, "\n"), Pre: t.String()}, err
}

// lineOf says in words what is in a cluster's line and, if that needs a person,
// what to do.
func queueState(tx store.Tx, cluster string) (says, next string, err error) {
	ids, err := runs.Queue(tx, cluster)
	if err != nil || len(ids) == 0 {
		return "free", "", err
	}
	var first runs.Run
	for i, id := range ids {
		r, _, err := runs.Get(tx, id)
		if err != nil {
			return "", "", err
		}
		if i == 0 || r.State == runs.Lost || r.State == runs.Running && first.State != runs.Lost {
			first = r // it blocks the others, wherever it stands
		}
	}
	says = fmt.Sprintf("run %s (%s)", first.ID, first.State)
	switch {
	case first.State == runs.Lost:
		says = fmt.Sprintf("closed since %s by run %s (lost)", first.Ended.UTC().Format(slotTime), first.ID)
		next = fmt.Sprintf("No change of @%s starts: nobody knows what became of run %s (%s), which is lost. Look at the cluster (`status @%s`) and at `run %s`, then type `acknowledge %s`.",
			cluster, first.ID, first.Text, cluster, first.ID, first.ID)
	case !first.Unheard.IsZero():
		next = fmt.Sprintf("Nothing has been heard of the node of run %s (%s) since %s. `run %s` says what can be done.",
			first.ID, first.Text, first.Unheard.UTC().Format(slotTime), first.ID)
	}
	if n := len(ids) - 1; n > 0 {
		says += fmt.Sprintf(", %d behind it", n)
	}
	return says, next, nil
}
