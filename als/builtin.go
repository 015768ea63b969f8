package als

// FamilyBuiltin is the family of alsbot's own commands. They are answered from
// the store and run nothing on a node. The two that the parser itself knows are
// here; package jobs has the others, with their answers.
const FamilyBuiltin = "alsbot"

var opHelp = Operation{
	Name: "help", Family: FamilyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show all commands, or one in detail",
	Example: "help patch install",
	Params:  []Param{{Name: "COMMAND", Kind: KindWords, Optional: true, Many: true, Help: "a command, or the first word of several"}},
}

var opPlan = Operation{
	Name: "plan", Family: FamilyBuiltin, Builtin: true, Effect: always(Read),
	Summary: "show what a command would do: its checks run, its steps do not",
	Detail:  "The checks are read-only looks at the cluster. Nothing is posted for approval.",
	Example: "plan patch install @prod",
	Params:  []Param{{Name: "COMMAND", Kind: KindWords, Many: true, Help: "a whole command, with its arguments and flags"}},
}
