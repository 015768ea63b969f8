package als

import (
	"strconv"
	"strings"
)

// SeverityKey begins the keys of a verdict's data under which patches that
// wait are counted by severity.
const SeverityKey = "severity-"

// UnknownSeverity is that of a patch of which kato tells none, as ALS 1.1 and
// its kin do not, or says it in no plain word.
const UnknownSeverity = "unknown"

// Mild reports whether a severity leaves it to people when, or whether, a
// patch is installed. All else is urgent: what is unknown may be required.
func Mild(severity string) bool { return severity == "recommended" || severity == "optional" }

// waiting is what monitoring keeps of a list of patches: how many wait, how
// many of these are urgent, and the number of each severity. Those that kato
// uses are there even when none waits.
func waiting(list PatchList) map[string]string {
	pending := list.Pending()
	counts, urgent := map[string]int{"required": 0, "recommended": 0, "optional": 0, UnknownSeverity: 0}, 0
	for _, p := range pending {
		s := strings.ToLower(p.Severity)
		if s == "" || len(s) > 20 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
			s = UnknownSeverity
		}
		counts[s]++
		if !Mild(s) {
			urgent++
		}
	}
	data := map[string]string{"waiting": strconv.Itoa(len(pending)), "urgent": strconv.Itoa(urgent)}
	for s, n := range counts {
		data[SeverityKey+s] = strconv.Itoa(n)
	}
	return data
}
