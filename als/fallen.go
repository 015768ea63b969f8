package als

// RoleProbes returns the probes that Fallen reads.
func RoleProbes(c Cluster) []Step { return []Step{c.probeRoles()} }

// Fallen names, as a clause, the roles that a plan has started or restarted and
// that have fallen since. It returns "" if all of them run or are starting, if
// the plan stops roles, and if the probes could not be read.
func Fallen(p Plan, rs Results) string {
	if p.Operation == opStopName {
		return ""
	}
	status, err := readStep(rs, probeRoles, ReadStatus)
	if err != nil {
		return ""
	}
	down, _ := notRunning(status, p.Hints.Restarts)
	if len(down) == 0 {
		return ""
	}
	return list(down)
}
