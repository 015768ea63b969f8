package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
)

// Trust prints the host keys that a cluster's bastion and nodes offer, and
// whether known_hosts has them. With add, it writes the unknown ones to the
// file, after note has the audit log know of them. It never writes a changed
// key.
func Trust(ctx context.Context, cfg *config.Config, name string, add bool, note func(Trusted) error, out io.Writer) error {
	cl, err := ClusterNamed(cfg, name)
	if err != nil {
		return err
	}
	exec := executor.New(slog.New(slog.DiscardHandler))
	defer exec.Close() //nolint:errcheck // the process ends here
	targets, err := trustTargets(cfg, cl)
	if err != nil {
		return err
	}
	for _, l := range executor.UnreadLines(cl.KnownHosts) {
		_, _ = fmt.Fprintf(out, "%s\n", unreadLine(cl.KnownHosts, l))
	}
	var bad error
	var lines, names []string
	seen := func(t executor.Target) {
		keys, err := exec.HostKeys(ctx, t)
		bad = errors.Join(bad, err)
		for _, k := range keys {
			_, _ = fmt.Fprintf(out, "%-9s  %-22s  %-20s  %s\n", k.Standing, k.Addr, k.Type, k.Fingerprint)
			switch k.Standing {
			case executor.Changed:
				bad = errors.Join(bad, fmt.Errorf("the %s key of %s has changed: find out why. If the node was rebuilt, remove its old line, as the user that alsbot runs as, with `ssh-keygen -f %s -R %q` and run this again (typed as root it leaves a file that alsbot may not read)", k.Type, k.Addr, cl.KnownHosts, knownName(k.Addr)))
			case executor.Unknown:
				if owner := jobs.KeyOwner(cfg, cl, k.Fingerprint); owner != "" && !slices.Contains(targets, t) { // the core named it
					bad = errors.Join(bad, fmt.Errorf("the core of @%s names %s, which shows a host key of @%s: it is that machine, or a copy of it with the same keys, so the key was not added. Find out why the core names it; on a copy, make new host keys", cl.Name, k.Addr, owner))
					continue
				}
				lines, names = append(lines, k.Line), append(names, fmt.Sprintf("%s %s %s", k.Addr, k.Type, k.Fingerprint))
			case executor.Trusted:
			}
		}
	}
	for _, t := range targets {
		seen(t)
	}
	// Only a trusted core can name the other nodes.
	if len(lines) == 0 && bad == nil {
		more, err := others(ctx, exec, cfg, cl, targets)
		bad = errors.Join(bad, err)
		for _, t := range more {
			seen(t)
		}
	}
	if bad != nil {
		return bad
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintf(out, "\nEvery key of @%s is trusted. `alsbot check --connect` looks at the rest.\n", cl.Name)
		return err
	}
	if !add {
		_, err := fmt.Fprintf(out, "\nCompare the fingerprints with the nodes' consoles (ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub), then run `alsbot trust %s --yes`.\n", cl.Name)
		return err
	}
	trusted := Trusted{Cluster: cl.Name, File: cl.KnownHosts, Keys: names}
	if err := note(trusted); err != nil {
		return fmt.Errorf("no key was added, because the audit log can't be written: %w", err)
	}
	if err := appendLines(cl.KnownHosts, lines); err != nil {
		trusted.Failed = err.Error()
		return errors.Join(err, note(trusted))
	}
	_, err = fmt.Fprintf(out, "\nAdded to %s: %s. Run this again to see the nodes that the core names.\n", cl.KnownHosts, count(len(lines), "key"))
	return err
}

// unreadLine warns of a line of known_hosts that counts for nothing.
func unreadLine(path string, l executor.UnreadLine) string {
	return fmt.Sprintf("%s: %s, so alsbot passes over that line: correct or remove it", path, l)
}

func knownName(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "22" {
		return host
	}
	return "[" + host + "]:" + port
}

// trustTargets returns the bastion, the core and the nodes with an address in the
// config.
func trustTargets(cfg *config.Config, cl config.Cluster) ([]executor.Target, error) {
	core, err := jobs.Target(cfg, cl, nil, als.Core)
	if err != nil {
		return nil, err
	}
	var targets []executor.Target
	if _, addr, ok := strings.Cut(cl.Via, "@"); ok {
		bastion := core
		bastion.Via, bastion.Addr, bastion.Name = "", addr, "bastion"
		targets = append(targets, bastion)
	}
	targets = append(targets, core)
	for ip := range cl.Addresses {
		t, err := jobs.Target(cfg, cl, nil, ip)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(targets, func(o executor.Target) bool { return o.Addr == t.Addr }) {
			targets = append(targets, t)
		}
	}
	slices.SortStableFunc(targets[1:], func(a, b executor.Target) int { return strings.Compare(a.Name, b.Name) })
	return targets, nil
}

// others returns the nodes that the core names and the config doesn't.
func others(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster, known []executor.Target) ([]executor.Target, error) {
	seen, err := survey(ctx, exec, cfg, cl)
	if err != nil {
		return nil, err
	}
	var more []executor.Target
	for _, n := range seen.nodes {
		t, err := jobs.Target(cfg, cl, seen.nodes, n.IP)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(known, func(o executor.Target) bool { return o.Addr == t.Addr }) {
			more = append(more, t)
		}
	}
	return more, nil
}

func appendLines(path string, lines []string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // public keys
	if err != nil {
		return fmt.Errorf("writing known_hosts: %w", err)
	}
	_, err = f.WriteString(lastLineEnd(path) + strings.Join(lines, "\n") + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// lastLineEnd returns what ends the last line of a file, if it has no newline.
func lastLineEnd(path string) string {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 || text[len(text)-1] == '\n' {
		return ""
	}
	return "\n"
}

// ClusterNamed returns a cluster of the config by its name. It accepts the
// form that people type in Slack, with an @ in front.
func ClusterNamed(cfg *config.Config, name string) (config.Cluster, error) {
	cl, ok := cfg.Cluster(strings.TrimPrefix(name, "@"))
	if ok {
		return cl, nil
	}
	var names []string
	for _, c := range cfg.Clusters {
		names = append(names, c.Name)
	}
	return cl, fmt.Errorf("there is no cluster %q in the config: there are %s", name, strings.Join(names, ", "))
}
