// Package als defines every operation on Application Lifecycle Service and
// Stackato clusters: its grammar, its plan, its kato arguments, and how its
// output is read and judged. It is pure: it uses no network, no clock, no
// store and no other package of alsbot.
package als

import "time"

// Effect says how much an operation disturbs a cluster. Policy, approval and
// schedules depend on it.
type Effect string

// Effects, the weakest first.
const (
	Read    Effect = "read"    // changes nothing
	Change  Effect = "change"  // changes something, no role restarts
	Restart Effect = "restart" // roles restart or stop
	Destroy Effect = "destroy" // data is overwritten or lost
)

// Effects lists the effects, the weakest first.
var Effects = []Effect{Read, Change, Restart, Destroy}

// Subject is something of a cluster that is watched, and that operations
// change.
type Subject string

// SubjectPatches stands for the patches that are installed.
const SubjectPatches Subject = "patches"

// Kind is the type of an argument or flag value. It decides which values are
// accepted.
type Kind string

// Kinds of values. None of them accepts a leading dash, or a character outside
// ASCII.
const (
	KindName    Kind = "name"    // [A-Za-z0-9][A-Za-z0-9._-]{0,63}: patches, schedules, runs
	KindRole    Kind = "role"    // a role or role group
	KindIP      Kind = "ip"      // a node, as kato names it
	KindPath    Kind = "path"    // a clean absolute path
	KindArchive Kind = "archive" // a clean absolute path that ends in .tgz
	KindSource  Kind = "source"  // an archive, or the host name of an old core
	KindVersion Kind = "version" // digits and dots
	KindSeconds Kind = "seconds" // a whole number, at most six digits
	KindWords   Kind = "words"   // the rest of the line: a command
)

// Param is one positional argument of an operation.
type Param struct {
	Name     string // in capitals, as the usage shows it
	Kind     Kind
	Optional bool
	Many     bool // takes all remaining words; only the last parameter may
	Help     string
}

// Flag is one --flag of an operation.
type Flag struct {
	Name   string // without the dashes
	Kind   Kind   // "" for a flag without a value
	Repeat bool
	// Group names flags that belong together. The usage shows the group instead
	// of the flags.
	Group string
	Help  string
}

// Operation is one thing that people can request. Parsing, help, suggestions,
// policy, planning, schedules, metrics and the table in the docs all read this
// value. A new operation is written in its family's file and listed in the
// catalogue.
type Operation struct {
	Name    string // the words to type, e.g. "patch install"
	Family  string // its heading in help
	Summary string // one sentence, lower case, no full stop
	Detail  string // what people should know before using it; may be empty
	Proof   string // what has to be seen after a run so that it has worked, one or more sentences; "" for reads
	Example string // one whole command
	Params  []Param
	Flags   []Flag

	// Effect returns the effect of a request. Flags may change it.
	Effect func(Request) Effect
	// Changes lists what a run of the operation may have changed, unless its
	// effect is Read. What monitoring knew of it before is then out of date.
	Changes []Subject
	// Builtin is true for the commands of alsbot itself (help, runs, cancel, …).
	// The engine answers them from the store. They run nothing on a node, and
	// have only grammar and effect here.
	Builtin bool
	// Private is true if the file that the operation makes is for the person who
	// asks. It then needs an operator even if it only reads, and cannot be
	// scheduled.
	Private bool
	// Leaves reports whether the checks of a request leave the cluster, for a
	// machine that the request names; nil stands for no. Such a request needs an
	// operator even if it only runs the checks.
	Leaves func(Request) bool
	// Survey is true if Checks and Plan need the cluster's generation and nodes.
	// Without it Cluster has only what the config says.
	Survey bool
	// Archives is true if Checks and Plan need the cluster's archives and last
	// good backup in History.
	Archives bool
	// Earlier is true if the operation needs the cluster's earlier archives in
	// History, to compare a new one with.
	Earlier bool
	// Weigh returns the figures of a step whose Weigh is true, from the results
	// of the steps before it; nil if the operation has no such step.
	Weigh func(Request, Cluster, Plan, Results) []int64
	// Agent is true if the operation needs the cluster's Agent.
	Agent bool

	// Shows returns the commands, without the cluster, that show people what
	// this request has changed; nil stands for `status`. alsbot names them when
	// a run's outcome is unknown.
	Shows func(Request) []string

	// Checks returns the read-only probes that Plan needs; nil stands for none.
	Checks func(Request, Cluster) ([]Step, error)
	// Plan turns the request and the results of Checks into steps, facts and
	// findings. For the same state of the cluster it returns the same digest. An
	// error is a refusal in words (see Refusal).
	Plan func(Request, Cluster, Results) (Plan, error)
	// Judge decides from the results of the steps and of the verification
	// whether the run worked. It is called after the last step, even if a step
	// failed.
	Judge func(Request, Cluster, Plan, Results) Verdict
}

// shows returns the Shows of an operation whose request does not matter.
func shows(commands ...string) func(Request) []string {
	return func(Request) []string { return commands }
}

// Request is a parsed command.
type Request struct {
	Operation string              `json:"operation"`
	Args      []string            `json:"args,omitempty"`
	Flags     map[string][]string `json:"flags,omitempty"`  // a flag without a value has one ""
	Reason    string              `json:"reason,omitempty"` // --reason
	Cluster   string              `json:"cluster,omitempty"`
	// Dry is true for `plan COMMAND…`: the checks run, the steps do not.
	Dry bool `json:"dry,omitempty"`
}

// Has reports whether a flag was given.
func (r Request) Has(flag string) bool { _, ok := r.Flags[flag]; return ok }

// Flag returns the last value of a flag, or "".
func (r Request) Flag(flag string) string {
	v := r.Flags[flag]
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

// Arg returns the i-th argument, or "".
func (r Request) Arg(i int) string {
	if i >= len(r.Args) {
		return ""
	}
	return r.Args[i]
}

// Generation names a group of kato versions that behave alike.
type Generation string

// Generations that alsbot knows.
const (
	ALS10 Generation = "als10" // ALS 1.0, Stackato 2.x and 3.0: exit status is always 0
	ALS11 Generation = "als11" // ALS 1.1, Stackato 3.2 and 3.4
	ALS13 Generation = "als13" // ALS 1.2 and 1.3, Stackato 3.6
)

// Core names the cluster's core where its IP does not matter, or is not known.
const Core = "core"

// Node is one machine of a cluster.
type Node struct {
	IP    string   `json:"ip"` // as kato names it
	Roles []string `json:"roles"`
	Also  []string `json:"also,omitempty"` // its other names in kato's list
}

// Cluster is what alsbot knows of a cluster when it plans an operation.
type Cluster struct {
	Name       string     `json:"name"`
	Kato       string     `json:"kato"`                 // path of kato on the nodes
	Host       string     `json:"host,omitempty"`       // of the core, as the config has it
	Generation Generation `json:"generation,omitempty"` // "" before a survey unless configured
	Version    string     `json:"version,omitempty"`    // as kato prints it
	Nodes      []Node     `json:"nodes,omitempty"`      // empty without a survey
	BackupDir  string     `json:"backup_dir,omitempty"` // "" is the login user's home
	Keep       Keep       `json:"keep,omitzero"`        // what retention keeps
	MaxSize    int64      `json:"max_size,omitempty"`   // of an archive, in bytes; 0 is no limit
	Fetch      Host       `json:"fetch,omitzero"`       // where copies of archives go

	// MaxAge limits the age of the last verified backup; 0 is no limit.
	MaxAge time.Duration `json:"max_age,omitempty"`

	// Config and Socket are the absolute paths of alsbot's own config and
	// socket. A program that calls alsbot has another working directory and
	// environment.
	Config string `json:"config,omitempty"`
	Socket string `json:"socket,omitempty"`

	// Agent is what `monitor newrelic install` installs, for an operation that
	// asks for it.
	Agent Agent `json:"agent,omitzero"`

	// Busy names a run of alsbot that is, or may be, at work on the cluster; ""
	// is none. Whatever is planned in the meantime waits for it and is planned
	// again.
	Busy string `json:"busy,omitempty"`

	// Run and Asked make names unique. They stay the same when a request is
	// planned again.
	Run   string    `json:"run"`
	Asked time.Time `json:"asked"`
	// History is what the store knows of this operation on this cluster.
	History History `json:"history"`
}

// History is what the store knows of an operation on a cluster.
type History struct {
	Sizes []int64       `json:"sizes,omitempty"` // of the last verified exports, newest first, at most 7, in bytes
	Last  time.Duration `json:"last,omitempty"`  // how long the last successful run took; 0 if never
	// These are set for an operation that asks for archives. Backup is the
	// newest good backup of the whole cluster, or nil. Archives has the newest
	// archives that were not removed, and those that the request names. Older
	// counts the others.
	Backup   *Archive  `json:"backup,omitempty"`
	Archives []Archive `json:"archives,omitempty"`
	Older    int       `json:"older,omitempty"`
	// Earlier has the archives that a new one is compared with, newest first,
	// also those that were removed. It is set for an operation that asks for it.
	Earlier []Archive `json:"earlier,omitempty"`
}

// Host is a directory on the alsbot host.
type Host struct {
	Dir  string `json:"dir,omitempty"`  // "" is none
	Free int64  `json:"free,omitempty"` // bytes; -1 if not known
	// Parts has the sizes, in bytes, of unfinished copies, by the names of the
	// whole files.
	Parts map[string]int64 `json:"parts,omitempty"`
}

// Step is one command on one node, as data: it can be shown to an approver,
// digested, stored, resumed after a crash and compared.
type Step struct {
	// Key finds the step's result and is part of the plan's digest. It never
	// changes, and is unique within a node and a part of the plan. It is "" in
	// plans stored before steps had keys: see ResultKey.
	Key  string   `json:"key,omitempty"`
	Name string   `json:"name"` // the label: what it does, for people, e.g. "install patches"
	Node string   `json:"node"` // an IP as kato names it, or Core
	Argv []string `json:"argv"`
	// Figures are appended to Argv when the step runs. The digest does not cover
	// them, since they change by themselves, as the usual size of an archive
	// does. Numbers can't make it another command.
	Figures []int64 `json:"figures,omitempty"`
	// Weigh marks a step whose figures come from the results of the steps before
	// it: see Operation.Weigh. They are computed once, when it begins.
	Weigh bool `json:"weigh,omitempty"`
	// Secret is the path of a secret in the config. The command reads its value
	// as the one line of its stdin. The value is in no plan, record or output.
	Secret string `json:"secret,omitempty"`
	// Always marks a clean-up step. It runs even if a step before it failed.
	Always bool `json:"always,omitempty"`
	// Tolerate lets the plan continue if the step's exit status is not 0.
	Tolerate bool `json:"tolerate,omitempty"`
	// Repeatable marks a read that may run again at no cost. It may use a plain
	// exec instead of the durable protocol.
	Repeatable bool `json:"repeatable,omitempty"`
	// Last marks a check that runs when all others of its list have ended, so
	// that its answer is as new as it can be: others may take hours.
	Last bool `json:"last,omitempty"`
	// Save stores what the step prints as a file on the alsbot host. The step's
	// recorded output is then what became of the file, as key=value lines.
	Save *Save `json:"save,omitempty"`
	// Limit ends a step that takes longer. 0 is the default: 2 minutes for a
	// check, 12 hours for a step.
	Limit time.Duration `json:"limit,omitempty"`
}

// ResultKey returns the key that finds the step's result. A step that was
// stored without a key has the key that belongs to its label.
func (s Step) ResultKey() string {
	if s.Key != "" {
		return s.Key
	}
	return stepLabels0.key(s.Name)
}

// Result returns the result of a step that ended with status 0 and printed
// nothing. The caller sets the other fields.
func (s Step) Result() Result { return Result{Key: s.ResultKey(), Step: s.Name, Node: s.Node} }

// Save is a file on the alsbot host that a step's output becomes. The file
// counts only if it has this size and this SHA-256. The step runs with one
// more argument: the number of the first byte that is still missing, counted
// from 1.
type Save struct {
	Dir    string `json:"dir"`
	Name   string `json:"name"` // without a slash
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Result is how one step ended.
type Result struct {
	Key    string `json:"key"`
	Step   string `json:"step"` // the label
	Node   string `json:"node"`
	Exit   int    `json:"exit"`             // the true exit status; 128+n for signal n
	Output []byte `json:"output,omitempty"` // stdout and stderr; at most the last 1 MiB
	// Cut is true if the step printed more than Output holds. Output is then its
	// end, and what a reader needs may be in the rest.
	Cut bool `json:"cut,omitempty"`
	// Trouble says in words why there is no exit status: unreachable, timed out,
	// cancelled. It is "" if the step ended by itself.
	Trouble string `json:"trouble,omitempty"`
	// Fix is what to do about Trouble, as a clause. It is "" if there is nothing
	// to do, as after a cancel, or if alsbot does not know.
	Fix Advice `json:"mend,omitzero"`
}

// OK reports whether the step ended by itself with status 0.
func (r Result) OK() bool { return r.Trouble == "" && r.Exit == 0 }

// Results are the results of several steps, in the order in which they ended.
type Results []Result

// Find returns the last result of the step with this key, on any node if node
// is "".
func (rs Results) Find(key, node string) (Result, bool) {
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i].Key == key && (node == "" || rs[i].Node == node) {
			return rs[i], true
		}
	}
	return Result{}, false
}

func always(e Effect) func(Request) Effect { return func(Request) Effect { return e } }
