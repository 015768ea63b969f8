package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"alsbot/executor"
	"alsbot/runs"
	"alsbot/upkeep"
)

// reconcile compares the nodes with the store; see docs/operating.md.
func (c *cli) reconcile() *cobra.Command {
	return &cobra.Command{
		Use: "reconcile", Short: "list what nodes hold and the store does not know, after a snapshot was put back; runs nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := c.local()
			if err != nil {
				return err
			}
			var found upkeep.Reconciled
			if err := l.decode(cmd.Context(), http.MethodGet, "/reconcile", nil, &found); err != nil {
				return err
			}
			return reconciled(cmd.OutOrStdout(), found)
		},
	}
}

// reconciled prints the result. It exits with 1 unless everything is known.
func reconciled(out io.Writer, found upkeep.Reconciled) error {
	for _, s := range found.Unnamed {
		show(out, s)
	}
	tried := len(found.Nodes) + len(found.Silent)
	if len(found.Nodes) == 0 {
		show(out, fmt.Sprintf("none of %d nodes could be asked", tried))
	} else {
		show(out, fmt.Sprintf("asked %d of %d nodes: %s", len(found.Nodes), tried, strings.Join(found.Nodes, ", ")))
	}
	for _, s := range found.Silent {
		show(out, "not asked: "+s)
	}
	if len(found.Found) > 0 {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		show(w, "NODE\tID\tTHERE\tSINCE\tEXIT\tBYTES\tSTORE\tCOMMAND")
		for _, f := range found.Found {
			exit, what, since := "-", f.Command, "?"
			if !f.At.IsZero() {
				since = f.At.Format("2006-01-02 15:04 MST")
			}
			if f.State == executor.Finished {
				exit = strconv.Itoa(f.Status)
			}
			if what == "" {
				what = "(cleaned)"
			}
			show(w, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s", f.Node, f.ID, f.State, since, exit, f.Size, f.Store, what))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		show(out, fmt.Sprintf("%d of %d commands on %d nodes are not in the store as they are there. None was run again, and none will be", len(found.Found), len(found.Found)+found.Known, len(found.Nodes)))
		advise(out, found)
		again(out, found)
		return exitError(1)
	}
	if len(found.Nodes) > 0 {
		show(out, fmt.Sprintf("all %d commands on %d nodes are known", found.Known, len(found.Nodes)))
	}
	if again(out, found) {
		return exitError(1)
	}
	return nil
}

// again says what to type if there may be more to find.
func again(out io.Writer, found upkeep.Reconciled) bool {
	if len(found.Silent)+len(found.Unnamed) == 0 {
		return false
	}
	show(out, "This is not all: `alsbot check --connect` says what is wrong with each node. When it is mended, type `alsbot reconcile` again")
	return true
}

// advise prints what a person can do about the result.
func advise(out io.Writer, found upkeep.Reconciled) {
	show(out, "Next: look at each cluster (`alsbot do \"status @CLUSTER\"`). What became of a run that the store does not know "+
		"stands in its message in Slack: look for its ID, without the dash and what follows")
	var waiting []string
	for _, f := range found.Found {
		cancel := "`alsbot do \"cancel " + f.Run + "\"`"
		if f.State == executor.Finished && strings.HasPrefix(f.Store, string(runs.Awaiting)) && !slices.Contains(waiting, cancel) {
			waiting = append(waiting, cancel)
		}
	}
	if len(waiting) > 0 {
		show(out, "What was done already and still waits here for its approval has its buttons in Slack again: who approves it there takes in what was done, "+
			"and nothing is begun twice. Or take it back: "+strings.Join(waiting, ", "))
	}
}
