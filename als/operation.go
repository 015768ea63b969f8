// Package als is what alsbot knows about Application Lifecycle Service and
// Stackato clusters: every operation, its grammar, its plan, its kato
// arguments and the reading of its output. It is pure: no network, no clock,
// no store, and nothing of the other packages.
package als

import "time"

// Effect says how much an operation disturbs a cluster. Policy, approval and
// scheduling are decided on it.
type Effect string

// The effects, weakest first.
const (
	Read    Effect = "read"    // changes nothing
	Change  Effect = "change"  // changes something, no role restarts
	Restart Effect = "restart" // roles restart or stop
	Destroy Effect = "destroy" // data is overwritten or forgotten
)

// Effects lists the effects, weakest first.
var Effects = []Effect{Read, Change, Restart, Destroy}

// Subject is something that is watched on a cluster and that operations change.
type Subject string

// SubjectPatches is which patches are installed.
const SubjectPatches Subject = "patches"

// Kind is the type of one argument or flag value; it decides what is accepted.
type Kind string

// The kinds of values. Every one of them refuses a leading dash and any
// character outside ASCII.
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
	Name     string // as shown in the usage, in capitals
	Kind     Kind
	Optional bool
	Many     bool // takes all that follow; only the last one may
	Help     string
}

// Flag is one --flag of an operation.
type Flag struct {
	Name   string // without the dashes
	Kind   Kind   // "" for a flag without a value
	Repeat bool
	// Group names flags that belong together; the usage shows the group in
	// their place.
	Group string
	Help  string
}

// Operation is one thing that can be asked for. Parsing, help, suggestions,
// policy, planning, scheduling, metrics and the docs table all read this
// value; adding one touches the file of its family and nothing else.
type Operation struct {
	Name    string // the words that are typed, e.g. "patch install"
	Family  string // the heading it stands under in help
	Summary string // one sentence, lower case, no full stop
	Detail  string // what a user should know before using it; may be empty
	Example string // one whole command
	Params  []Param
	Flags   []Flag

	// Effect is what this request would do; flags may change it.
	Effect func(Request) Effect
	// Changes lists what a run of the operation may have changed, unless its
	// effect is Read: what was known of it before counts no longer.
	Changes []Subject
	// Builtin is true for alsbot's own commands (help, runs, cancel, …): they
	// are answered from the store, run nothing on a node, and have only
	// grammar and effect here.
	Builtin bool
	// Survey asks for the cluster's generation and nodes before Checks and
	// Plan; without it Cluster carries only what the config says.
	Survey bool
	// Archives asks for the cluster's archives, and the last good one, in
	// History before Checks and Plan; without it they are not there.
	Archives bool
	// Agent asks for the cluster's Agent; without it that is empty.
	Agent bool

	// Shows are the commands, without the cluster, that show people what this
	// request has changed; nil is `status`. They are named where nobody knows
	// what became of a run.
	Shows func(Request) []string

	// Checks are the read-only looks at the cluster that Plan needs.
	// nil: none.
	Checks func(Request, Cluster) ([]Step, error)
	// Plan turns the request and what the checks saw into steps, facts and
	// findings. Called again with the same cluster state it returns the
	// same digest. An error is a refusal in words (see Refusal).
	Plan func(Request, Cluster, Results) (Plan, error)
	// Judge says from what the steps and the verification printed whether
	// it worked. It is called after the last step, also when a step failed.
	Judge func(Request, Cluster, Plan, Results) Verdict
}

// shows is the Shows of an operation for which the request does not matter.
func shows(commands ...string) func(Request) []string {
	return func(Request) []string { return commands }
}

// Request is one operation, asked for: the outcome of Parse.
type Request struct {
	Operation string              `json:"operation"`
	Args      []string            `json:"args,omitempty"`
	Flags     map[string][]string `json:"flags,omitempty"`  // a flag without value holds one ""
	Reason    string              `json:"reason,omitempty"` // --reason
	Cluster   string              `json:"cluster,omitempty"`
	// Dry is true for `plan COMMAND…`: checks run, steps do not.
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

// Generation names a family of kato versions that behave alike (see kato.md).
type Generation string

// The generations that alsbot knows.
const (
	ALS10 Generation = "als10" // ALS 1.0, Stackato 2.x and 3.0: exit status is always 0
	ALS11 Generation = "als11" // ALS 1.1, Stackato 3.2 and 3.4
	ALS13 Generation = "als13" // ALS 1.2 and 1.3, Stackato 3.6
)

// Core is the node name that stands for the cluster's core before, or
// without, a survey.
const Core = "core"

// Node is one machine of a cluster.
type Node struct {
	IP    string   `json:"ip"` // as kato names it
	Roles []string `json:"roles"`
}

// Cluster is what is known of a cluster when an operation is planned.
type Cluster struct {
	Name       string     `json:"name"`
	Kato       string     `json:"kato"`                 // path of kato on the nodes
	Generation Generation `json:"generation,omitempty"` // "" before a survey unless configured
	Version    string     `json:"version,omitempty"`    // as kato prints it
	Nodes      []Node     `json:"nodes,omitempty"`      // empty without a survey
	BackupDir  string     `json:"backup_dir,omitempty"` // "" is the login user's home
	Keep       Keep       `json:"keep,omitzero"`        // what retention leaves
	Fetch      Host       `json:"fetch,omitzero"`       // where archives are fetched to

	// MaxAge is how old the last verified backup may be; 0 is any age.
	MaxAge time.Duration `json:"max_age,omitempty"`

	// Config and Socket are alsbot's own, absolute: what calls alsbot from
	// outside has neither its working directory nor its environment.
	Config string `json:"config,omitempty"`
	Socket string `json:"socket,omitempty"`

	// Agent is, for an operation that asks for it, what `monitor newrelic
	// install` puts on the nodes.
	Agent Agent `json:"agent,omitzero"`

	// Busy is the run of alsbot's own that is at work on the cluster, or may
	// be; "" is none. Whatever is planned meanwhile waits, and is planned again.
	Busy string `json:"busy,omitempty"`

	// Run and Asked make names unique and stay the same when a request is
	// planned again.
	Run   string    `json:"run"`
	Asked time.Time `json:"asked"`
	// History is what the store remembers of this operation on this cluster.
	History History `json:"history"`
}

// History is what the store remembers of an operation on a cluster.
type History struct {
	Sizes []int64       `json:"sizes,omitempty"` // of the last verified exports, newest first, at most 7, in bytes
	Last  time.Duration `json:"last,omitempty"`  // how long the last successful run took; 0 if never
	// For an operation that asks for archives: Backup is the newest good one of
	// the whole cluster, nil if there is none, and Archives are those that were
	// not removed, the newest of them, and those that the request names. Older
	// counts what there is beside these.
	Backup   *Archive  `json:"backup,omitempty"`
	Archives []Archive `json:"archives,omitempty"`
	Older    int       `json:"older,omitempty"`
}

// Host is a directory on alsbot's own host.
type Host struct {
	Dir  string `json:"dir,omitempty"`  // "" is none
	Free int64  `json:"free,omitempty"` // bytes; -1 when that cannot be known
	// Parts are the sizes, in bytes, of what has come of unfinished copies, by
	// the names of the whole files.
	Parts map[string]int64 `json:"parts,omitempty"`
}

// Step is one command on one node. It is data: it can be shown to an
// approver, digested, stored, resumed after a crash and compared.
type Step struct {
	// Key finds the step's result and is part of the plan's digest. It never
	// changes, and is unique within a node and a part of the plan. It is "" in
	// plans that were stored before steps had keys: see ResultKey.
	Key  string   `json:"key,omitempty"`
	Name string   `json:"name"` // the label: what it does, for people, e.g. "install patches"
	Node string   `json:"node"` // an IP as kato names it, or Core
	Argv []string `json:"argv"`
	// Figures come behind Argv when the step runs. They change by themselves,
	// as the usual size of an archive does, and so are no part of the digest:
	// being numbers, they cannot make it another command.
	Figures []int64 `json:"figures,omitempty"`
	// Secret names a secret of the configuration by its path there: the
	// command finds it as the one line of its stdin. Its value is in no plan,
	// no record and no output.
	Secret string `json:"secret,omitempty"`
	// Always marks a clean-up step: it runs whatever happened before it.
	Always bool `json:"always,omitempty"`
	// Tolerate lets the plan go on when the step's exit status is not 0.
	Tolerate bool `json:"tolerate,omitempty"`
	// Repeatable marks a read that may run again at no cost: it may go over
	// a plain exec instead of the durable protocol.
	Repeatable bool `json:"repeatable,omitempty"`
	// Save, when set, takes what the step prints as the bytes of a file for
	// alsbot's own host. What is on record as its output is then what became
	// of that, as key=value lines.
	Save *Save `json:"save,omitempty"`
	// Limit ends a step that takes longer; 0 is the default of its part:
	// 2 minutes for a check, 12 hours for a step.
	Limit time.Duration `json:"limit,omitempty"`
}

// ResultKey returns the key by which the step's result is found. For a step of
// a plan that was stored before steps had keys it is the key of its label.
func (s Step) ResultKey() string {
	if s.Key != "" {
		return s.Key
	}
	return stepLabels0.key(s.Name)
}

// Result returns the result of the step when it ended with status 0 and
// printed nothing. The caller fills in what else became of it.
func (s Step) Result() Result { return Result{Key: s.ResultKey(), Step: s.Name, Node: s.Node} }

// Save is a file on alsbot's own host that a step's bytes become. They are
// taken for it only when there are exactly so many and they have this SHA-256.
// The step's argv is called with one more argument: the number, counted from
// 1, of the first byte that is wanted.
type Save struct {
	Dir    string `json:"dir"`
	Name   string `json:"name"` // without a slash
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Result is what one step did.
type Result struct {
	Key    string `json:"key"`
	Step   string `json:"step"` // the label
	Node   string `json:"node"`
	Exit   int    `json:"exit"`             // the true exit status; 128+n for signal n
	Output []byte `json:"output,omitempty"` // stdout and stderr; at most the last 1 MiB
	// Trouble says why there is no exit status, in words for people:
	// unreachable, timed out, cancelled. Empty when the step ended by itself.
	Trouble string `json:"trouble,omitempty"`
	// Fix is what to do about Trouble, as a clause; "" where there is nothing
	// to do, as after a cancel, or where nobody knows.
	Fix string `json:"mend,omitempty"`
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
