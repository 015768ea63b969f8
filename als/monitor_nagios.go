package als

import (
	_ "embed" // the fixed part of the configuration
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nagiosText is filled in by plain replacement. With text/template the linker
// could drop no exported method, and the program would be a quarter larger.
//
//go:embed nagios.cfg
var nagiosText string

const (
	nagiosHost = `define host {
    use        %[1]s-node
    host_name  %[1]s-%[2]s
    alias      %[1]s %[3]s
    address    %[2]s
}
`
	nagiosGroup = `define hostgroup {
    hostgroup_name  %[1]s-%[2]s
    alias           %[2]s of %[1]s
    members         %[3]s
}
`
	nagiosCheck = `define service {
    use                  %[1]s-service
    host_name            %[1]s-%[2]s
    service_description  alsbot %[3]s
    check_command        %[1]s-alsbot!%[3]s
}
`
)

// nagios returns the Nagios configuration for the nodes that the survey found.
func nagios(c Cluster) string {
	var all []string
	var hosts, groups, checks strings.Builder
	members := map[string][]string{}
	for _, n := range c.Nodes {
		name := c.Name + "-" + n.IP
		all = append(all, name)
		fmt.Fprintf(&hosts, nagiosHost, c.Name, n.IP, strings.Join(n.Roles, " "))
		for _, role := range n.Roles {
			members[role] = append(members[role], name)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(&groups, nagiosGroup, c.Name, role, strings.Join(members[role], ","))
	}
	for _, check := range NagiosChecks {
		fmt.Fprintf(&checks, nagiosCheck, c.Name, c.CoreIP(), check)
	}
	return strings.NewReplacer("<cluster>", c.Name, "<own>", nagiosFlags(c), "<members>", strings.Join(all, ","),
		"<hosts>\n", hosts.String(), "<groups>\n", groups.String(), "<checks>\n", checks.String()).Replace(nagiosText)
}

// nagiosFlags returns the flags by which the plugin finds this bot.
func nagiosFlags(c Cluster) string {
	flags := ""
	if c.Config != "" {
		flags += " --config " + nagiosWord(c.Config)
	}
	if c.Socket != "" {
		flags += " --socket " + nagiosWord(c.Socket)
	}
	return flags
}

// nagiosWord quotes one word of a command line. Nagios reads it first, for
// which $ begins a macro and ; a comment, and then a shell.
func nagiosWord(s string) string {
	if pathPattern.MatchString(s) {
		return s
	}
	return "'" + strings.NewReplacer("'", `'\''`, "$", "$$", ";", `\;`).Replace(s) + "'"
}
