package als

import (
	"fmt"
	"strings"
)

// judgeImport requires that every part came, that every application was
// deployed again, that kato's history does not deny the import, and that the
// roles run. Only the applications' owners can verify more.
func judgeImport(r Request, c Cluster, p Plan, rs Results) Verdict {
	res, ok := rs.find(stepImport, "")
	in := ReadImport(res.Output)
	history := evidenceFor(c, p, rs, stepImport, dataImport)
	v := rolesAfter(c, p, rs, p.Hints.Restarts)
	report := importReport(r, p, in, history, v)
	failed := func(summary string, next Advice) Verdict {
		return Verdict{Outcome: Failed, Report: report, Summary: summary, Next: next}
	}
	half := Advise("The cluster may hold half of the data. Mend the cause and import again from the same source.")
	f, bad := trouble(res)
	asked := false
	if bad {
		_, asked = Prompt(res.Output)
	}
	switch {
	case !ok || bad && (!res.OK() || asked || missingKato(res)) || in.Complaint != "":
		return failed("The import did not go through: "+describeEnd(rs, stepImport)+".", f.Fix.And(half))
	case len(in.Failed) > 0:
		return failed(fmt.Sprintf("The import ended, but not all of it has come: %s failed.", list(in.Failed)), half)
	case history == evidenceFailure:
		return failed("The import ended without a complaint, but kato's history "+history.String()+".", ReadOutput.And(half))
	case history == evidenceMissing:
		return failed("It cannot be confirmed that anything was imported: kato's history "+history.String()+" since the run began.", Advise("Read the output of this run, look for the applications in the console, then import again."))
	case v.Outcome != Succeeded:
		v.Report = report + v.Report
		return v
	case len(in.Lost) > 0:
		return failed(fmt.Sprintf("The import ended and all roles run, but %s could not be deployed again: %s.", count(len(in.Lost), "application"), list(in.Lost)), Advise("Deploy these again by hand."))
	}
	v.Summary = "The import ended without a complaint" + redeployedWords(in) + ", and all roles run."
	if res.Cut {
		in.Unread = "alsbot reads only the last 1 MiB of what kato printed"
	}
	if in.Unread != "" {
		v.Outcome, v.Summary = Unconfirmed, "Not confirmed: "+in.Unread+". "+v.Summary
	}
	if history == evidenceNone {
		v.Outcome = Unconfirmed
		v.Summary = "Not confirmed: kato's history cannot be read, so only kato's own word and the roles speak for it. " + v.Summary
	}
	if w := p.Hints.Without; len(w) > 0 {
		v.Summary += " Not imported, for want of a role: " + list(w) + "."
	}
	v.Report, v.Next = report, Advise("Ask the owners to look at their applications; those with connection data from staging must be staged again.")
	return v
}

func redeployedWords(in Imported) string {
	if len(in.Redeployed) == 0 {
		return ""
	}
	return ", " + count(len(in.Redeployed), "application") + " deployed again"
}

// importReport returns the table of what was imported and what was not.
func importReport(r Request, p Plan, in Imported, history evidence, roles Verdict) string {
	running := "all run"
	if roles.Outcome != Succeeded {
		running = roles.Summary
	}
	rows := [][]string{
		{"source", r.Arg(0)},
		{"imported", partWords(in.Done)},
		{"failed", orNone(in.Failed)},
		{"no role for it here", orNone(p.Hints.Without)},
		{"deployed again", partWords(in.Redeployed)},
		{"not deployed again", orNone(in.Lost)},
		{"roles", running},
		{"kato's history", history.String()},
		{"never imported", "external databases; DEAs"},
		{"to be staged again", "applications that wrote down their database when they were staged"},
	}
	return table(rows)
}

// partWords lists the parts that kato named, or says that it named none.
func partWords(words []string) string {
	if len(words) == 0 {
		return "kato names nothing"
	}
	short := make([]string, len(words))
	for i, w := range words {
		_, after, ok := strings.Cut(w, ": importing ")
		if short[i] = w; ok {
			short[i] = after
		}
	}
	return strings.Join(short, ", ")
}
