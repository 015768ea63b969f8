package node

import "fmt"

// Peer is a host outside the cluster: the core of another simulated cluster.
type Peer struct {
	Dir   string `json:"dir"`   // of the other cluster
	Known bool   `json:"known"` // our nodes have its host key in known_hosts
	Trust bool   `json:"trust"` // it accepts our nodes' key
}

// Know gives the core of another cluster a name on this cluster's nodes, as
// DNS would. Without known or trust, ssh to it asks for what is missing.
func (c *Cluster) Know(host string, other *Cluster, known, trust bool) error {
	return c.disk.update(func(s *State) {
		if s.Peers == nil {
			s.Peers = map[string]*Peer{}
		}
		s.Peers[host] = &Peer{Dir: other.disk.dir, Known: known, Trust: trust}
	})
}

// state returns the other cluster's state. If the host can't be asked, why
// holds the reason in ssh's words.
func (p *Peer) state(host string) (s *State, why string) {
	s, err := disk{p.Dir}.read()
	switch {
	case err != nil:
		return nil, err.Error()
	case faults{all: s.Faults}.down(s.Core):
		return nil, fmt.Sprintf("ssh: connect to host %s port 22: Connection refused", host)
	}
	return s, ""
}

// sshOut runs a command on a peer.
func (t *tool) sshOut(p *Peer, user, host string, strict bool, command []string) int {
	other, why := p.state(host)
	switch {
	case why != "":
		return t.fail(255, "%s", why)
	case !p.Known && strict:
		return t.fail(255, "No ECDSA host key is known for %s and you have requested strict checking.\nHost key verification failed.", host)
	case !p.Known:
		t.fail(0, "The authenticity of host '%s' can't be established.\nAre you sure you want to continue connecting (yes/no)? ", host)
		forever()
	case !p.Trust && strict:
		return t.fail(255, "Permission denied (publickey,password).")
	case !p.Trust:
		t.fail(0, "%s@%s's password: ", user, host)
		forever()
	}
	return t.enter(disk{p.Dir}.path(other.Core), user, command)
}

// fetch returns what an import reads from a running core. ssh may prompt; no
// one answers.
func (k *kato) fetch(host string) (names []string, data Data, wrong string) {
	p := k.s.Peers[host]
	if p == nil {
		return nil, data, fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", host)
	}
	other, why := p.state(host)
	switch {
	case why != "":
		return nil, data, why
	case !p.Known && k.ask("The authenticity of host '"+host+"' can't be established.\nAre you sure you want to continue connecting (yes/no)? ") != "yes":
		return nil, data, "Host key verification failed."
	case !p.Trust && k.ask(k.s.User+"@"+host+"'s password: ") == "":
		return nil, data, "Permission denied (publickey,password)."
	case !other.Nodes[other.Core].Sudo && k.ask("[sudo] password for "+other.User+": ") == "":
		return nil, data, "sudo: 1 incorrect password attempt"
	}
	there := &kato{s: other, node: other.Core, parsed: parsed{flags: map[string]string{"cluster": ""}}}
	names, _ = there.selected()
	return names, other.Data, ""
}
