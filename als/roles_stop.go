package als

import (
	"fmt"
	"strings"
)

// The verdict on a stop.

// judgeStop judges by a new status which roles have stopped.
func judgeStop(c Cluster, p Plan, rs Results, status Status, pairs []roleOn) Verdict {
	f, bad := badSteps(p, rs)
	st := stopStateOf(status, pairs)
	v := Verdict{Outcome: Succeeded, Report: st.table, Whole: !bad}
	stop, start := c.turnCommands(opStopName, st.left), c.turnCommands(opStartName, st.stopped)
	var said []string
	switch {
	case len(st.left) > 0:
		v.Outcome = Failed
		if len(st.running) == 0 && !bad {
			v.Outcome = Unconfirmed
		}
		next, args := "Read the output of this run, then try %s", []any{stop}
		if len(st.running) > 0 {
			said = append(said, "Not stopped: "+list(st.running)+".")
		}
		if len(st.silent) > 0 {
			said = append(said, "It cannot be seen whether all has stopped: "+list(st.silent)+".")
			next, args = "See that %s can be reached, then try %s", []any{list(nodesOf(st.left)), stop}
		}
		if len(st.moving) > 0 {
			said = append(said, "Still stopping: "+list(st.moving)+".")
		}
		if len(st.stopped) > 0 {
			next, args = next+"; or start again what has stopped: %s", append(args, start)
		}
		v.Next = Advise(next+".", args...).offering(stop...)
	case len(st.moving) > 0:
		v.Outcome = Waiting
		said = append(said, "Still stopping: "+list(st.moving)+".")
		v.Next = offer("Look again with %s.", c.command("status"))
	default:
		v.Next = offer("Start again with %s.", start...)
	}
	if len(st.stopped) > 0 {
		said = append(said, "Stopped: "+pairWords(st.stopped)+".")
	}
	if bad {
		said = append(said, capitalized(f.Text)+".")
		if len(st.left) > 0 {
			v.Next = f.Fix.And(v.Next)
		}
	}
	v.Summary = strings.Join(said, " ")
	return v
}

// stopState is the state of the roles after a stop.
type stopState struct {
	table                   string
	stopped                 []roleOn
	left                    []roleOn // the roles of running and silent
	running, silent, moving []string // in words
}

func stopStateOf(status Status, pairs []roleOn) stopState {
	var st stopState
	var rows [][]string
	for _, w := range pairs {
		now := status.Of(w.Node, w.Role)
		words := fmt.Sprintf("%s is %s", w, now)
		rows = append(rows, []string{nodeWords(w.Node), w.Role, string(now)})
		switch {
		case now.Down(), now == "FATAL":
			st.stopped = append(st.stopped, w)
		case now == "STOPPING" || now == Unknown || now == "STOP":
			st.moving = append(st.moving, words)
		case now.Silent():
			st.silent, st.left = append(st.silent, words), append(st.left, w)
		default:
			st.running, st.left = append(st.running, words), append(st.left, w)
		}
	}
	st.table = table(rows)
	return st
}
