package als

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Data is what monitoring, and the watch over maintenance mode, use of a
// verdict. A field is set only if the run could read it.
type Data struct {
	Roles       *RoleCount  `json:"role_count,omitempty"`
	Patches     *PatchCount `json:"patch_count,omitempty"`
	Maintenance string      `json:"maintenance,omitempty"` // "on" or "off"
	Version     string      `json:"version,omitempty"`     // of kato
	Files       string      `json:"files,omitempty"`       // how many an archive holds
}

// RoleCount is how many roles do not run.
type RoleCount struct {
	Down int    `json:"down"`
	Text string `json:"text"` // which roles, in one sentence
}

// PatchCount is how many patches are not installed.
type PatchCount struct {
	Waiting int `json:"waiting"`
	Urgent  int `json:"urgent"` // of these, the patches that are not Mild
	// Severities counts those of each severity. The severities that kato uses
	// are there even when no patch has them.
	Severities map[string]int `json:"severities"`
}

// UnknownSeverity is the severity of a patch for which kato tells none, or
// none that is a plain word. ALS 1.1 never tells one.
const UnknownSeverity = "unknown"

// Mild reports whether people may choose when, or whether, they install a
// patch of this severity. All else is urgent: what is unknown may be required.
func Mild(severity string) bool { return severity == "recommended" || severity == "optional" }

// countPatches counts the patches of a list that are not installed.
func countPatches(list PatchList) *PatchCount {
	n := &PatchCount{Severities: map[string]int{"required": 0, "recommended": 0, "optional": 0, UnknownSeverity: 0}}
	for _, p := range list.Pending() {
		s := strings.ToLower(p.Severity)
		if s == "" || len(s) > 20 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
			s = UnknownSeverity
		}
		n.Waiting++
		n.Severities[s]++
		if !Mild(s) {
			n.Urgent++
		}
	}
	return n
}

// countRoles counts the roles of a status that do not run.
func countRoles(status Status) *RoleCount {
	bad, roles := unhealthy(status)
	text := fmt.Sprintf("All %s on %s run.", count(roles, "role"), count(len(status), "node"))
	switch {
	case len(bad) > 0:
		text = roleFindings(status, len(bad), roles)
	case roles == 1:
		text = "The only role runs."
	}
	return &RoleCount{Down: len(bad), Text: text}
}

// roleFindings says in one sentence which nodes cannot be reached, how many
// roles run, and which others do not.
func roleFindings(status Status, down, all int) string {
	text := ""
	rest := Status{}
	var away []string
	for _, node := range status.Nodes("") {
		roles := slices.Collect(maps.Values(status[node]))
		if len(roles) > 0 && !slices.ContainsFunc(roles, func(c Condition) bool { return !c.Silent() }) {
			away = append(away, nodeWords(node))
			continue
		}
		rest[node] = status[node]
	}
	if len(away) > 0 {
		text = fmt.Sprintf("%d of %s cannot be reached (%s), ", len(away), count(len(status), "node"), list(away))
	}
	text += fmt.Sprintf("%d of %s run", all-down, count(all, "role"))
	if bad, _ := unhealthy(rest); len(bad) > 0 {
		text += ": " + list(bad)
	}
	return text + "."
}

// UnmarshalJSON also reads what earlier versions stored: a flat object of
// strings, with down and roles, and waiting, urgent and severity-NAME.
func (d *Data) UnmarshalJSON(b []byte) error {
	type plain Data
	var flat map[string]any
	if err := json.Unmarshal(b, (*plain)(d)); err != nil {
		return fmt.Errorf("reading a verdict's data: %w", err)
	}
	if err := json.Unmarshal(b, &flat); err != nil {
		return fmt.Errorf("reading a verdict's data: %w", err)
	}
	number := func(key string) (int, bool) {
		s, _ := flat[key].(string)
		n, err := strconv.Atoi(s)
		return n, err == nil
	}
	if down, ok := number("down"); ok {
		d.Roles = &RoleCount{Down: down}
		d.Roles.Text, _ = flat["roles"].(string)
	}
	waiting, ok := number("waiting")
	if !ok {
		return nil
	}
	d.Patches = &PatchCount{Waiting: waiting, Severities: map[string]int{}}
	d.Patches.Urgent, _ = number("urgent")
	for key := range flat {
		if severity, ok := strings.CutPrefix(key, "severity-"); ok {
			d.Patches.Severities[severity], _ = number(key)
		}
	}
	return nil
}
