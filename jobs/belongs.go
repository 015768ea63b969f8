package jobs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
)

// What a cluster's core may name as its nodes. The core is one machine that
// others may have taken over; it must not make alsbot act on machines of another
// cluster, with the rights and the approvals of its own.

// mayName refuses a node, reached by t, that the core of c may not name.
func mayName(cfg *config.Config, c config.Cluster, node string, t executor.Target) error {
	refuse := func(next als.Advice, format string, args ...any) error {
		return &als.Refusal{Text: fmt.Sprintf(format, args...), Next: next}
	}
	find := als.Advise("Find out why the core of @%s names it: on the core, type %s.", c.Name, als.Typed("kato node list"))
	host, _, err := net.SplitHostPort(t.Addr)
	if ip, bad := netip.ParseAddr(host); err != nil || bad == nil && (ip.Unmap().IsUnspecified() || ip.Unmap().IsMulticast()) {
		return refuse(find, "%s is the address of no machine, so it can't be a node of @%s", node, c.Name)
	}
	own := allows(c, node, t)
	if len(c.Nodes) > 0 && own == 0 {
		return refuse(find.And(als.Advise("If it is a node of @%s, add it to %s of that cluster in the configuration.", c.Name, als.Typed("nodes"))),
			"%s is not among the nodes that the core of @%s may name", node, c.Name)
	}
	if _, ok := c.Addresses[node]; ok {
		own = exactly
	}
	for _, o := range cfg.Clusters {
		if o.Name == c.Name || samePlace(core(o), core(c)) { // two names of one cluster
			continue
		}
		if samePlace(core(o), t) {
			return refuse(find, "%s is the core of @%s, so nothing of @%s runs there", node, o.Name, c.Name)
		}
		if claims(o, t) > own {
			return refuse(find.And(als.Advise("If it is a node of @%s, correct %s and %s of both clusters in the configuration.", c.Name, als.Typed("nodes"), als.Typed("addresses"))),
				"%s is a node of @%s, so nothing of @%s runs there", node, o.Name, c.Name)
		}
	}
	return nil
}

// exactly is how closely an entry that names one machine fits. A network fits as
// closely as its prefix is long, plus one; 0 is not at all.
const exactly = 200

// allows returns how closely a cluster's own `nodes` name a node.
func allows(c config.Cluster, node string, t executor.Target) int {
	_, port, _ := net.SplitHostPort(c.Core)
	best := 0
	for _, entry := range c.Nodes {
		if network, err := netip.ParsePrefix(entry); err == nil {
			best = max(best, within(network, node))
		} else if sameHost(entry, node, executor.Target{Addr: net.JoinHostPort(entry, port), Via: t.Via, KnownHosts: t.KnownHosts}, t) {
			return exactly
		}
	}
	return best
}

// claims returns how closely the config names what t reaches as a node of o.
func claims(o config.Cluster, t executor.Target) int {
	at := func(addr string) executor.Target {
		other := core(o)
		other.Addr = addr
		return other
	}
	for _, addr := range o.Addresses {
		if samePlace(at(addr), t) {
			return exactly
		}
	}
	best := 0
	_, port, _ := net.SplitHostPort(o.Core)
	host, _, _ := net.SplitHostPort(t.Addr)
	for _, entry := range o.Nodes {
		if _, elsewhere := o.Addresses[entry]; elsewhere {
			continue
		}
		network, err := netip.ParsePrefix(entry)
		switch {
		case err != nil && samePlace(at(net.JoinHostPort(entry, port)), t):
			return exactly
		case err == nil && within(network, host) > best && samePlace(at(net.JoinHostPort(host, port)), t):
			best = within(network, host)
		}
	}
	return best
}

func within(network netip.Prefix, host string) int {
	ip, err := netip.ParseAddr(host)
	if err != nil || !network.Contains(ip.Unmap()) {
		return 0
	}
	return network.Bits() + 1
}

// samePlace reports whether two targets are dialled at the same address and port,
// by the same way.
func samePlace(a, b executor.Target) bool {
	hostA, portA, errA := net.SplitHostPort(a.Addr)
	hostB, portB, errB := net.SplitHostPort(b.Addr)
	if errA != nil || errB != nil || strings.TrimLeft(portA, "0") != strings.TrimLeft(portB, "0") || (a.Via == "") != (b.Via == "") {
		return false
	}
	if a.Via != "" {
		_, viaA, _ := strings.Cut(a.Via, "@")
		_, viaB, _ := strings.Cut(b.Via, "@")
		if !samePlace(executor.Target{Addr: viaA, KnownHosts: a.KnownHosts}, executor.Target{Addr: viaB, KnownHosts: b.KnownHosts}) {
			return false
		}
	}
	return sameHost(hostA, hostB, a, b)
}

// sameHost reports whether two hosts, reached by the targets, are one. Names are
// looked up; where that says nothing, as behind a bastion, the machine is the
// one whose host key it shows.
func sameHost(hostA, hostB string, a, b executor.Target) bool {
	x, errX := netip.ParseAddr(hostA)
	y, errY := netip.ParseAddr(hostB)
	if errX == nil && errY == nil {
		return x.Unmap() == y.Unmap()
	}
	plain := func(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
	if plain(hostA) == plain(hostB) {
		return true
	}
	if a.Via == "" {
		atA, errA := addressesOf(hostA)
		atB, errB := addressesOf(hostB)
		if errA == nil && errB == nil {
			return slices.ContainsFunc(atA, func(ip netip.Addr) bool { return slices.Contains(atB, ip) })
		}
	}
	keys := executor.OwnKeys(a)
	return slices.ContainsFunc(executor.OwnKeys(b), func(key string) bool { return slices.Contains(keys, key) })
}

// lookupLimit is how long a name server may take.
const lookupLimit = 2 * time.Second

// addressesOf returns the addresses of a host, which may be one itself.
func addressesOf(host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupLimit)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, err
}

// stopsAt returns the finding that stops what a refusal is about.
func stopsAt(node string, err error) als.Finding {
	f := als.Finding{Level: als.Stop, Key: "foreign-node", Subjects: []string{node}, Text: err.Error()}
	var refusal *als.Refusal
	if errors.As(err, &refusal) {
		f.Text, f.Fix = refusal.Text, refusal.Next
	}
	return f
}

// KeyOwner returns another cluster whose core, or a node that its configuration
// names, has one of these host keys; "" for none. Machines that were copied with
// their host keys can't be told apart.
func KeyOwner(cfg *config.Config, c config.Cluster, fingerprint string) string {
	for _, o := range cfg.Clusters {
		if o.Name == c.Name || samePlace(core(o), core(c)) {
			continue
		}
		targets := []executor.Target{core(o)}
		for node := range o.Addresses {
			targets = append(targets, core(o))
			targets[len(targets)-1].Addr = o.Addresses[node]
		}
		_, port, _ := net.SplitHostPort(o.Core)
		for _, entry := range o.Nodes {
			t := core(o)
			t.Addr = net.JoinHostPort(entry, port)
			targets = append(targets, t)
		}
		for _, t := range targets {
			if slices.Contains(executor.OwnKeys(t), fingerprint) {
				return o.Name
			}
		}
	}
	return ""
}
