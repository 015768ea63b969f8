package als

import (
	"fmt"
	"slices"
	"strings"
)

// Differences says in words, each a clause, what an approver of the shown plan
// would have to know of the present one: what it does otherwise, where and as
// whom, and which findings are new or worse. Better findings, and volatile ones
// that don't stop, are no difference. Without any, the approval holds for the
// present plan.
func Differences(shown, now Plan) []string {
	if f, stops := now.Stopped(); stops {
		return []string{f.Text}
	}
	if now.Nothing != "" {
		return []string{now.Nothing}
	}
	diff := factDifferences(shown.Facts, now.Facts)
	if shown.Format > 0 { // plans of earlier versions don't bind these
		diff = append(diff, targetDifferences(shown.Targets, now.Targets)...)
		diff = append(diff, worseFindings(shown.Findings, now.Findings)...)
	}
	if shown.Backup != "" && now.Backup == "" {
		diff = append(diff, "the last good backup was run "+shown.Backup+", and there is none now")
	}
	same := now
	same.Findings, same.Backup = shown.Findings, shown.Backup
	if len(diff) == 0 && same.DigestAs(shown.Format) != shown.Digest() {
		diff = append(diff, "other commands or other nodes than were shown")
	}
	return diff
}

func factDifferences(shown, now []Fact) (diff []string) {
	was := map[string]Fact{}
	for _, f := range shown {
		was[f.StableKey()] = f
	}
	for _, f := range now {
		if before := was[f.StableKey()]; before.Value != f.Value {
			diff = append(diff, factDifference(before, f))
		}
		delete(was, f.StableKey())
	}
	for _, f := range shown {
		if before, gone := was[f.StableKey()]; gone {
			diff = append(diff, factDifference(before, Fact{Name: f.Name}))
		}
	}
	slices.Sort(diff)
	return diff
}

// wholeMost is how many bytes of a fact's two values are told whole.
const wholeMost = 400

// factDifference says how a fact differs. Of a long list it tells only what has
// come and what has gone: people would not find that between the two lists, and
// a node decides how long they are.
func factDifference(before, now Fact) string {
	if len(before.Value)+len(now.Value) <= wholeMost {
		return fmt.Sprintf("%s was %s, is now %s", now.Name, orNoneText(before.Value), orNoneText(now.Value))
	}
	var parts []string
	had, has := before.Items(), now.Items()
	for _, p := range []struct {
		word        string
		these, than []string
	}{{"new ", has, had}, {"gone ", had, has}} {
		other := map[string]bool{}
		for _, item := range p.than {
			other[item] = true
		}
		var only []string
		for _, item := range p.these {
			if item != "" && !other[item] {
				only = append(only, printable(item, wholeMost/4))
			}
		}
		if len(only) > 0 {
			parts = append(parts, p.word+list(only))
		}
	}
	if len(parts) == 0 {
		parts = []string{"in another order"}
	}
	return fmt.Sprintf("%s changed, of %d now: %s", now.Name, len(has), strings.Join(parts, "; "))
}

// worseFindings names the findings that are new, of a worse level or about more
// than those that were shown, but for volatile warnings.
func worseFindings(shown, now []Finding) (diff []string) {
	type kind struct {
		key   string
		level Level
	}
	known, about := map[kind]bool{}, map[kind][]string{}
	for _, f := range shown {
		k := kind{f.key(), f.Level}
		known[k], about[k] = true, append(about[k], f.Subjects...)
	}
	for _, f := range now {
		k := kind{f.key(), f.Level}
		unseen := func(subject string) bool { return !slices.Contains(about[k], subject) }
		if f.Volatile && f.Level == Warn || known[k] && !slices.ContainsFunc(f.Subjects, unseen) {
			continue
		}
		diff = append(diff, "new: "+f.Text)
	}
	return diff
}

// targetDifferences names the settings of the config that have changed for a
// node that both plans use. A node that only one of them uses shows in its
// steps.
func targetDifferences(shown, now []Target) (diff []string) {
	for _, before := range shown {
		i := slices.IndexFunc(now, func(t Target) bool { return t.Node == before.Node })
		if i < 0 {
			continue
		}
		after := now[i]
		for _, setting := range []struct{ name, before, after string }{
			{"the address", before.Addr, after.Addr},
			{"the host key", strings.Join(before.HostKeys, ", "), strings.Join(after.HostKeys, ", ")},
			{"user", before.User, after.User},
			{"run_as", before.RunAs, after.RunAs},
			{"via", before.Via, after.Via},
			{"runs_dir", before.RunsDir, after.RunsDir},
			{"kato", before.Kato, after.Kato},
		} {
			if setting.before != setting.after {
				diff = append(diff, fmt.Sprintf("%s of %s was %s, is now %s", setting.name, nodeWords(before.Node), orNoneText(setting.before), orNoneText(setting.after)))
			}
		}
	}
	return diff
}
