package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
)

// cluster returns the cluster that is meant: the one that was named, else the
// one that the channel belongs to, else the only one. A refusal names only
// clusters that the person may see.
func (rs *rights) cluster(ctx context.Context, by runs.Principal, named, channel string) (string, error) {
	var here clusters
	for _, c := range rs.cfg.Clusters {
		if c.Name == named {
			return named, nil
		}
		if channel != "" && (c.Channel == channel || c.Approvals == channel) {
			here = append(here, c)
		}
	}
	switch {
	case named != "":
	case len(here) == 1:
		return here[0].Name, nil
	case len(rs.cfg.Clusters) == 1:
		return rs.cfg.Clusters[0].Name, nil
	}
	seen, err := rs.visible(ctx, by, "")
	if err != nil {
		return "", err
	}
	return "", notClear(named, seen, slices.DeleteFunc(here, func(c config.Cluster) bool { return !seen.has(c.Name) }))
}

// notClear refuses a command of which it isn't clear which cluster it means.
// here are the clusters of its channel.
func notClear(named string, seen, here clusters) *als.Refusal {
	no, names := &als.Refusal{Text: "It is not clear which cluster is meant"}, seen.names()
	switch {
	case named != "":
		no.Text = fmt.Sprintf("There is no cluster %q", named)
	case len(here) > 1:
		no.Text, names = "This channel belongs to several clusters", here.names()
	}
	near := als.DidYouMean("@"+named, names)
	switch {
	case len(names) == 0:
		no.Next = als.Advise("Type %s to see what you may do", als.Typed("whoami"))
	case named == "":
		no.Next = als.Advise("Add one of %s", strings.Join(names, ", "))
	case near != "":
		no.Next = als.Advise("%s Type %s to see all", near, als.Typed("clusters"))
	default:
		no.Next = als.Advise("The clusters are %s", strings.Join(names, ", "))
	}
	return no
}

// clusters are some of the config's clusters.
type clusters []config.Cluster

func (cs clusters) has(name string) bool {
	return slices.ContainsFunc(cs, func(c config.Cluster) bool { return c.Name == name })
}

// names returns the clusters as people type them.
func (cs clusters) names() []string {
	var names []string
	for _, c := range cs {
		names = append(names, "@"+c.Name)
	}
	return names
}

// scope ends the sentence that a list of what concerns these clusters is empty:
// there may be more on clusters that the person may not see.
func (b *builtins) scope(seen clusters, only string) string {
	switch {
	case only != "":
		return "@" + only
	case len(seen) == len(b.cfg.Clusters):
		return "any cluster"
	}
	return "the clusters that you may see"
}
