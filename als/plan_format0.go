package als

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Plans that were stored before steps and facts had keys are of format 0.
// Their digests cover labels, and their results are found by labels. These
// tables have the labels of that time and never change: to reword a label,
// change it in its family's file only. New steps and facts need no entry.

// labels0 maps keys to their labels in format 0. %s stands for the part after
// the key's colon.
type labels0 map[string]string

var stepLabels0 = labels0{
	"patches": "list the patches", "patches-all": "list all patches", "patches-by-node": "see on which nodes the patches are",
	"patches-after": "list the patches again", "patches-by-node-after": "see again on which nodes the patches are", "patch": "run kato patch",
	"roles": "list the roles", "roles-after": "list the roles again", "nodes": "list the nodes",
	"history": "read kato's history", "history-after": "read kato's history again",
	"version": "read the version", "version:": "read the version of %s", "version-after:": "read the version again of %s",
	"start:": "start roles on %s", "stop:": "stop roles on %s", "restart:": "restart roles on %s", "kato:": "run kato %s",
	"target": "look at the target", "export": "export", "settle": "read the archive back", "clean": "remove the temporary archive", "target-after": "look at the target again",
	"archive": "read the archive", "admins": "see that the first user is set up", "import": "import",
	"old-core": "reach the old core", "old-version": "read the old core's version", "old-nodes": "list the old cluster's nodes",
	"old-roles": "list the old cluster's roles", "old-data": "measure what the old core holds",
	"archives": "look for the archives", "archives:": "look for the archives, part %s", "archives-after": "look for the archives again", "archives-after:": "look for the archives again, part %s",
	"archive-again": "read the archive again", "fetch": "fetch the archive", "prune": "remove what retention does not keep", "prune:": "remove what retention does not keep, part %s",
	"maintenance": "read maintenance mode", "maintenance-during": "see that maintenance mode is on", "maintenance-after": "read maintenance mode again",
	"maintenance-on": "turn maintenance mode on", "maintenance-off": "turn maintenance mode off",
	"upgrade": "upgrade", "upgrade-progress": "read the upgrade's progress", "upgrade-progress-after": "read the upgrade's progress again",
	"place": "look at the new place", "place-after": "look at the new place again", "data": "measure what is to move", "data-before": "measure it before the move",
	"data-moved": "measure it at the new place", "data-after": "look at the old place again", "relocate": "relocate",
	"node-stop": "stop the node's roles", "node-start": "start the node's roles",
	"quota": "look at the filesystem", "quota-enable": "turn quotas on", "boot-script-copy": "see that no half of a boot script is left", "quota-after": "look at the filesystem again",
	"agents": "look for monitoring agents", "agent": "look for the agent", "agent-install": "install the agent",
	"agent-key-copy": "see that no copy of the key is left", "agent-after": "look for the agent again",
	"ssh": "see that every node is reached by SSH", "sudo": "see that sudo asks nothing", "room": "measure free disk and memory", "jobs": "see what kato is doing",
	"report": "make the report", "logs": "read the end of the logs",
}

var factLabels0 = labels0{
	"patches": "patches", "recorded-patches": "patches on record", "nodes": "nodes", "node": "node", "roles": "roles",
	"restarting-roles": "roles that restart", "old-code-roles": "roles that keep the old code", "stopping-roles": "roles that stop and start",
	"upgrade-order": "nodes, in this order", "from": "from", "to": "to", "archive": "archive", "contents": "contents",
	"maintenance": "maintenance mode", "source": "source", "sha256": "sha256", "old-version": "old core's version",
	"filesystem": "filesystem", "missing": "missing", "package": "package",
	"removes:": "removes %s", "total": "in all",
}

// label returns the label that a key had in format 0, or the present one if it
// had none.
func (t labels0) label(key, now string) string {
	if label, ok := t[key]; ok {
		return label
	}
	base, part, _ := strings.Cut(key, ":")
	if label, ok := t[base+":"]; ok {
		return strings.Replace(label, "%s", nodeWords(part), 1)
	}
	return now
}

// key returns the key of a label of format 0, or the label itself if it has
// none.
func (t labels0) key(label string) string {
	for key, old := range t {
		if old == label {
			return key
		}
	}
	for key, old := range t {
		before, _, ok := strings.Cut(old, "%s") // always at the end
		if part, has := strings.CutPrefix(label, before); ok && has {
			if part == nodeWords(Core) {
				part = Core
			}
			return key + part
		}
	}
	return label
}

// digest0 returns the digest of format 0. Its formula never changes.
func (p Plan) digest0() string {
	type step struct {
		Name   string   `json:"name"`
		Node   string   `json:"node"`
		Argv   []string `json:"argv"`
		Secret string   `json:"secret,omitempty"`
		Always bool     `json:"always,omitempty"`
	}
	type fact struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	steps := make([]step, len(p.Steps))
	for i, s := range p.Steps {
		steps[i] = step{stepLabels0.label(s.Key, s.Name), s.Node, s.Argv, s.Secret, s.Always}
	}
	var facts []fact
	for _, f := range p.Facts {
		facts = append(facts, fact{factLabels0.label(f.Key, f.Name), f.Value})
	}
	return digestOf(struct {
		Operation string
		Effect    Effect
		Steps     []step
		Facts     []fact
		Nothing   string
	}{p.Operation, p.Effect, steps, facts, p.Nothing})
}

// digestOf returns the SHA-256 of a value's JSON, in hex.
func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and booleans only: cannot happen
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
