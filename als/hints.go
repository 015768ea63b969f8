package als

import (
	"strings"
)

// Hints pass what Plan found on to Judge. They are stored with the plan, as
// strings under the names that the first version used, and the digest does not
// cover them. Each operation sets the hints that its Judge reads.
type Hints struct {
	Patches wordList  `json:"patches,omitempty"` // the patches that are installed, taken out or forgotten
	Before  *wordList `json:"before,omitempty"`  // the patches on the list before an update; nil if it could not be read
	// Miscounts is true if kato's count of patches differed from its list before
	// the steps. That it differs afterwards then means nothing.
	Miscounts bool         `json:"miscounts,omitempty"`
	Restarts  rolePairs    `json:"restarts,omitempty"` // the roles that are to run afterwards, or to have stopped
	History   string       `json:"history,omitempty"`  // the baseline of kato's history
	Clock     string       `json:"clock,omitempty"`    // what the clock of the step's node showed just before; "" if it could not be read
	Versions  nodeVersions `json:"versions,omitempty"` // every node's version before an upgrade
	Without   wordList     `json:"without,omitempty"`  // services whose data no node of the cluster can take
	Runs      wordList     `json:"runs,omitempty"`     // the archives that retention removes, by run

	// Unnamed is true if all missing patches are installed, not one by name.
	Unnamed bool `json:"unnamed,omitempty"`

	// Target is the one node that is patched ("": all), and of an export the
	// path that the archive gets.
	Target  string `json:"target,omitempty"`
	Suspect string `json:"suspect,omitempty"` // the path that it gets if it is suspect
	Temp    string `json:"temp,omitempty"`    // its temporary name

	// Maintenance is "off" if the plan turns maintenance mode on, and off again.
	Maintenance string `json:"maintenance,omitempty"`
}

// wordList is a list of words without blanks, stored as one string.
type wordList []string

func (l wordList) String() string { return strings.Join(l, " ") }

// MarshalText implements encoding.TextMarshaler.
func (l wordList) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *wordList) UnmarshalText(text []byte) error {
	*l = strings.Fields(string(text))
	return nil
}

// nodeVersion is the version of one node.
type nodeVersion struct{ node, version string }

// nodeVersions are stored and shown as "10.0.0.10 3.4.2, 10.0.0.11 3.4.2".
type nodeVersions []nodeVersion

func (l nodeVersions) String() string {
	var out []string
	for _, v := range l {
		out = append(out, v.node+" "+v.version)
	}
	return strings.Join(out, ", ")
}

// MarshalText implements encoding.TextMarshaler.
func (l nodeVersions) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *nodeVersions) UnmarshalText(text []byte) error {
	*l = nil
	for _, one := range strings.Split(string(text), ", ") {
		node, version, _ := strings.Cut(one, " ")
		*l = append(*l, nodeVersion{node, version})
	}
	return nil
}
