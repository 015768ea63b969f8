package als

// The commands of alsbot itself. The engine answers them from the store and
// runs nothing on a node. This package has only their grammar, effect and
// help.

const familyBuiltin = "alsbot"

var runParam = []Param{{Name: "ID", Kind: KindName, Help: "the ID of a run, as `runs` shows it"}}

var scheduleParam = []Param{{Name: "NAME", Kind: KindName, Help: "the name of a schedule, as `schedule list` shows it"}}

var opHelp = Operation{
	Name: "help", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show all commands, or one in detail",
	Example: "help patch install",
	Params:  []Param{{Name: "COMMAND", Kind: KindWords, Optional: true, Many: true, Help: "a command, or the first word of several"}},
}

var opPlan = Operation{
	Name: "plan", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show what a command would do: its checks run, its steps do not",
	Detail:  "The checks are read-only looks at the cluster. Nothing is posted for approval.",
	Example: "plan patch install @prod",
	Params:  []Param{{Name: "COMMAND", Kind: KindWords, Many: true, Help: "a whole command, with its arguments and flags"}},
}

var opClusters = Operation{
	Name: "clusters", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "list the clusters: what is in the line of each, and how old its last verified backup is",
	Example: "clusters",
}

var opWhoami = Operation{
	Name: "whoami", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show what you may do, and on which clusters",
	Example: "whoami",
}

var opRuns = Operation{
	Name: "runs", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "list the last runs",
	Example: "runs @prod",
}

var opRun = Operation{
	Name: "run", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show one run: who asked, who approved, its steps and what became of it",
	Example: "run k3v9t2",
	Params:  runParam,
}

var opOutput = Operation{
	Name: "output", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show what the nodes printed in a run",
	Example: "output k3v9t2",
	Params:  runParam,
}

var opCancel = Operation{
	Name: "cancel", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "end a run, or withdraw it before it has begun",
	Detail:  "The whole process tree on the node is ended. Clean-up steps still run.",
	Example: "cancel k3v9t2",
	Params:  runParam,
}

var opRetry = Operation{
	Name: "retry", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "ask again for what a finished run was asked to do",
	Detail:  "It is a new request: checked again, and approved again where policy asks.",
	Example: "retry k3v9t2",
	Params:  runParam,
}

var opAcknowledge = Operation{
	Name: "acknowledge", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "settle a lost run, so that the cluster's next run may start",
	Detail: "A run is lost when it cannot be known whether it ran to its end. Look at the cluster first: `status` and `history` show what it did. " +
		"A run whose node has been out of reach for 10 minutes is given up by it: it becomes lost, and is settled at once. Its command may still run there.",
	Example: "acknowledge k3v9t2",
	Params:  runParam,
}

var opApprovals = Operation{
	Name: "approvals", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "list what waits for approval",
	Detail:  "Approvals are given, and requests rejected, with the buttons of their cards in Slack.",
	Example: "approvals",
}

var opScheduleList = Operation{
	Name: "schedule list", Family: familyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "list the schedules: last run, next run, paused or not",
	Example: "schedule list",
}

var opScheduleRun = Operation{
	Name: "schedule run", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "run a schedule's command now",
	Example: "schedule run nightly-backup",
	Params:  scheduleParam,
}

var opSchedulePause = Operation{
	Name: "schedule pause", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "let a schedule's times pass without a run",
	Example: "schedule pause nightly-backup",
	Params:  scheduleParam,
}

var opScheduleResume = Operation{
	Name: "schedule resume", Family: familyBuiltin, Builtin: true, Effect: always(Change),
	Summary: "let a paused schedule run again",
	Example: "schedule resume nightly-backup",
	Params:  scheduleParam,
}
