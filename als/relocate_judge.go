package als

import (
	"fmt"
	"strconv"
	"strings"
)

// How much a relocation moves, whether it fits, and how much has arrived. It
// is measured before and after the move, while the roles are stopped.

// measure is how much data a directory holds.
type measure struct {
	known   bool // the directory exists and was measured
	partly  bool // some of it could not be read: bytes is a minimum
	entries int  // in the directory itself
	bytes   int64
	real    string // the path with its links resolved
	device  string
}

func measured(rs Results, step stepID) measure {
	r, _ := rs.find(step, "")
	seen := keyValues(r.Output)
	entries, errE := strconv.Atoi(seen["entries"])
	bytes, errB := strconv.ParseInt(seen["bytes"], 10, 64)
	return measure{known: r.OK() && errE == nil && errB == nil, partly: seen["partly"] == "yes", entries: entries, bytes: bytes, real: seen["real"], device: seen["device"]}
}

func (m measure) String() string {
	switch {
	case !m.known:
		return "could not be measured"
	case m.partly:
		return entriesWords(m.entries) + ", at least " + size(m.bytes)
	}
	return entriesWords(m.entries) + ", " + size(m.bytes)
}

func entriesWords(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// roomFindings compares the size of what moves with what is free. Within one
// filesystem nothing is copied.
func roomFindings(seen map[string]string, source measure, path, what string) []Finding {
	free, err := strconv.ParseInt(seen["free"], 10, 64)
	switch {
	case !source.known:
		return []Finding{{Level: Warn,
			Text: "where the " + what + " are, or how big they are, could not be seen, so whether they fit is not known",
			Fix:  Advise("See with %s that they are smaller than what is free at %s.", Typed("du"), path)}}
	case source.device == seen["device"] && source.device != "":
		return nil
	case err != nil:
		return []Finding{{Level: Warn, Key: "unseen-free-space", Text: "how much is free at " + path + " could not be seen", Fix: Advise("Look with %s on the node.", Typed("df"))}}
	case source.bytes > free:
		return []Finding{{Level: Stop, Key: "free-space", Volatile: true, Text: fmt.Sprintf("the %s have %s, and %s has %s free", what, size(source.bytes), path, size(free)), Fix: Advise("Choose a bigger filesystem.")}}
	case source.partly:
		return []Finding{{Level: Warn, Key: "partly-measured", Text: fmt.Sprintf("not all of the %s can be read: they have at least %s, and %s has %s free", what, size(source.bytes), path, size(free)), Fix: Advise("See with %s that they fit.", Typed("sudo du"))}}
	case source.bytes > free/10*9:
		return []Finding{{Level: Warn, Key: "free-space", Volatile: true, Text: fmt.Sprintf("it gets tight: the %s have %s, and %s has %s free", what, size(source.bytes), path, size(free))}}
	}
	return nil
}

// rolesWords says whether the roles run again after a failure.
func rolesWords(v Verdict) string {
	if v.Outcome == Succeeded {
		return " All roles run again."
	}
	return " " + v.Summary
}

var findTheData = Advise("Read the output of this run; look where the data is before trying again.")

func judgeRelocate(_ Request, c Cluster, p Plan, rs Results) Verdict {
	v := rolesAfter(c, p, rs, p.Hints.Restarts)
	before, after := measured(rs, stepBefore), measured(rs, stepAfter)
	now, old := measured(rs, probePlaceAfter), measured(rs, probeDataAfter)
	if !after.known {
		after = now
	}
	linked := old.known && now.known && old.real == now.real
	v.Report = table([][]string{{"before the move", before.String()}, {"at the new place", after.String()}, {"the old place", oldWords(old, linked)}}) + v.Report
	fail := func(text string, next Advice) Verdict {
		return Verdict{Outcome: Failed, Summary: text + "." + rolesWords(v), Report: v.Report, Next: next}
	}
	if f, bad := failedStep(p, rs); bad {
		return fail("The data may not have moved: "+f.Text, f.Fix.Or(findTheData))
	}
	said := describeEnd(rs, stepRelocate)
	empty := before.known && before.entries == 0
	// The same files take more or less space on another filesystem.
	slack := max(before.bytes/20, 1<<20)
	switch {
	case !after.known:
		v := fail("It cannot be confirmed that the data moved: the new place could not be looked at; "+said, findTheData)
		v.Outcome = Unconfirmed
		return v
	case empty && old.known && !linked:
		return fail("There was nothing in the old place to move, and it does not lead to the new one; "+said, findTheData)
	case after.entries == 0 && !empty:
		return fail("Nothing has arrived at the new place; "+said, findTheData)
	case before.known && (after.entries < before.entries || !before.partly && !after.partly && after.bytes < before.bytes-slack):
		return fail(fmt.Sprintf("Not all of it has arrived: %s of %s; %s", after, before, said), findTheData)
	case old.known && !linked && old.entries > 0:
		return fail(fmt.Sprintf("The new place holds data, but the old one does too and is no link to it (%s); %s", old, said), Advise("See which of the two the node uses before anything is removed."))
	}
	if r, ok := rs.find(stepRelocate, ""); ok && complaint(r.Output) != "" {
		return fail("The new place holds data, but "+said, Advise("See whether all of it has arrived."))
	}
	if v.Outcome != Succeeded {
		v.Summary = "The data has moved. " + v.Summary
		return v
	}
	v.Summary = "Moved: the new place holds data, and the node's roles run."
	switch {
	case empty && !linked:
		v.Outcome = Unconfirmed
		v.Summary = "Not confirmed: there was nothing to move, and the old place cannot be seen. The node's roles run."
	case empty:
		v.Summary = "Moved: there was nothing in the old place, which leads to the new one now, and the node's roles run."
	case !before.known || before.partly || after.partly:
		v.Outcome = Unconfirmed
		v.Summary += " Unconfirmed that all of it has arrived: not everything could be measured."
	case !linked:
		v.Outcome = Unconfirmed
		v.Summary += " Unconfirmed that the node uses it: the old place is no link to it."
	}
	return v
}

func oldWords(old measure, linked bool) string {
	switch {
	case linked:
		return "leads to the new one"
	case !old.known:
		return "is gone, or " + old.String()
	}
	return strings.TrimSpace(old.String() + ", no link")
}
