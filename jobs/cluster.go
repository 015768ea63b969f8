package jobs

import (
	"fmt"
	"slices"
	"strings"

	"alsbot/als"
	"alsbot/config"
)

// findCluster returns the cluster that is meant: the one that was named, else
// the one that the channel belongs to, else the only one.
func findCluster(cfg *config.Config, named, channel string) (string, error) {
	var names, here []string
	for _, c := range cfg.Clusters {
		names = append(names, c.Name)
		if channel != "" && (c.Channel == channel || c.Approvals == channel) {
			here = append(here, c.Name)
		}
	}
	at := func(names []string) string { return "@" + strings.Join(names, ", @") }
	switch {
	case named != "" && slices.Contains(names, named):
		return named, nil
	case named != "":
		next := als.Advise("The clusters are %s", at(names))
		if near := als.DidYouMean("@"+named, strings.Split(at(names), ", ")); near != "" {
			next = als.Advise("%s Type %s to see all", near, als.Typed("clusters"))
		}
		return "", &als.Refusal{Text: fmt.Sprintf("There is no cluster %q", named), Next: next}
	case len(here) == 1:
		return here[0], nil
	case len(here) > 1:
		return "", &als.Refusal{Text: "This channel belongs to several clusters", Next: als.Advise("Add one of %s", at(here))}
	case len(names) == 1:
		return names[0], nil
	}
	return "", &als.Refusal{Text: "It is not clear which cluster is meant", Next: als.Advise("Add one of %s", at(names))}
}

// clusters are some of the config's clusters.
type clusters []config.Cluster

func (cs clusters) has(name string) bool {
	return slices.ContainsFunc(cs, func(c config.Cluster) bool { return c.Name == name })
}
