package als

import (
	"errors"
	"slices"
	"strings"
)

// Flags that every command takes.
const (
	flagReason  = "reason"
	flagCluster = "cluster" // same as @cluster, which Slack may turn into a mention
)

// Parse reads one command. The grammar is the same in Slack, in a schedule and
// on the command line:
//
//	[verb …] [argument …] [--flag[=value] …] [--reason "…"] [@cluster]
//
// An error is a *Refusal that says what to type instead. Parse checks only the
// form of the cluster's name; "" means that the command names none.
func Parse(text string, c Catalogue) (Request, error) {
	words, err := split(text)
	if err != nil {
		return Request{}, err
	}
	var p parser
	p.catalogue = c
	if words, err = p.takeClusters(words); err != nil {
		return Request{}, err
	}
	if err := p.parse(words); err != nil {
		return Request{}, err
	}
	return p.req, nil
}

type parser struct {
	catalogue Catalogue
	req       Request
}

// takeClusters removes @cluster words, wherever they are.
func (p *parser) takeClusters(words []word) ([]word, error) {
	var rest []word
	for _, w := range words {
		if w.quoted || !strings.HasPrefix(w.text, "@") {
			rest = append(rest, w)
			continue
		}
		if err := p.setCluster(w.text[1:]); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func (p *parser) setCluster(name string) error {
	if err := checkValue("the cluster's name", KindName, name); err != nil {
		return err
	}
	if p.req.Cluster != "" && p.req.Cluster != name {
		return refuse(Advise("Ask for one cluster at a time."), "two clusters are named, %s and %s", p.req.Cluster, name)
	}
	p.req.Cluster = name
	return nil
}

func (p *parser) parse(words []word) error {
	op, rest, err := p.operation(words)
	if err != nil {
		return err
	}
	if op.Name == "plan" && !asksHelp(rest) {
		return p.plan(op, rest)
	}
	if op.Name != "help" && asksHelp(rest) {
		p.req.Operation, p.req.Args, p.req.Dry = "help", strings.Fields(op.Name), false
		return nil
	}
	p.req.Operation = op.Name
	return p.rest(op, rest)
}

// plan reads the command behind `plan`.
func (p *parser) plan(op Operation, words []word) error {
	if len(words) == 0 {
		return missing(op, op.Params[0])
	}
	if p.req.Dry {
		return refuse(Advise("Type %s once.", Typed("plan")), "a plan cannot be planned")
	}
	p.req.Dry = true
	if err := p.parse(words); err != nil {
		return err
	}
	if inner, ok := p.catalogue.Find(p.req.Operation); ok && inner.Builtin && p.req.Dry {
		return refuse(Advise("%s is for what runs on a cluster, e.g. %s.", Typed("plan"), Typed(op.Example)), "`%s` runs nothing on a cluster, so there is nothing to plan", inner.Name)
	}
	return nil
}

func asksHelp(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool { return !w.quoted && (w.text == "--help" || w.text == "-h") })
}

// operation finds the operation with the longest name that the words begin
// with.
func (p *parser) operation(words []word) (Operation, []word, error) {
	if len(words) == 0 {
		if op, ok := p.catalogue.Find("help"); ok {
			return op, nil, nil
		}
	}
	for n := min(len(words), 4); n > 0; n-- {
		var name []string
		for _, w := range words[:n] {
			name = append(name, strings.ToLower(w.text))
		}
		if op, ok := p.catalogue.Find(strings.Join(name, " ")); ok {
			return op, words[n:], nil
		}
	}
	if asksHelp(words) {
		if op, ok := p.catalogue.Find("help"); ok {
			return op, nil, nil
		}
	}
	return Operation{}, nil, p.unknown(words)
}

// unknown refuses words that no operation's name begins with.
func (p *parser) unknown(words []word) error {
	if len(words) == 0 {
		return refuse(Advise("Type %s.", Typed("help")), "the command is empty")
	}
	first := words[0].text
	if strings.HasPrefix(first, "-") {
		return refuse(Advise("Begin with what is to be done, e.g. status %s.", first), "a command cannot begin with the flag %s", first)
	}
	if err := checkMention(first); err != nil {
		return err
	}
	for _, r := range first {
		if r > 127 {
			return refuse(Advise("Type it again by hand."), "%q is no command: it contains %s", first, describeRune(r))
		}
	}
	if strings.EqualFold(first, "kato") && len(words) > 1 {
		return refuse(Advise("Did you mean %s …? Type %s to see all commands.", words[1].text, Typed("help")), "commands here do not begin with kato")
	}
	var names []string
	var family []Typed
	for _, op := range p.catalogue {
		names = append(names, op.Name)
		if verb, _, _ := strings.Cut(op.Name, " "); strings.EqualFold(verb, first) {
			family = append(family, Typed(op.Name))
		}
	}
	typed := first
	if len(words) > 1 {
		typed += " " + words[1].text
	}
	if len(family) > 0 {
		if len(words) == 1 {
			return refuse(Advise("Type one of: %s.", family), "%q needs a second word", first)
		}
		if hint := DidYouMean(typed, plain(family)); hint != "" {
			return refuse(Advice{Text: hint}, "there is no command %q", typed)
		}
		return refuse(Advise("Type one of: %s.", family), "there is no command %q", typed)
	}
	hint := DidYouMean(typed, names)
	if hint == "" {
		hint = DidYouMean(first, names)
	}
	if hint == "" {
		return refuse(Advise("Type %s to see all commands.", Typed("help")), "there is no command %q", typed)
	}
	return refuse(Advice{Text: hint}, "there is no command %q", typed)
}

// rest reads the arguments and flags of an operation.
func (p *parser) rest(op Operation, words []word) error {
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		if err := checkMention(w.text); err != nil {
			return err
		}
		if w.quoted || !strings.HasPrefix(w.text, "-") {
			p.req.Args = append(p.req.Args, w.text)
			continue
		}
		flag, value, left, err := readFlag(op, w.text, words)
		if err != nil {
			return err
		}
		if err := p.setFlag(op, flag, value); err != nil {
			return err
		}
		words = left
	}
	return p.checkArgs(op)
}

// readFlag reads a flag as it was typed, with its value: behind an equals sign,
// or the next word. It returns the words behind both.
func readFlag(op Operation, typed string, words []word) (flag Flag, value string, left []word, err error) {
	name, value, given := strings.Cut(typed, "=")
	if flag, err = findFlag(op, name); err != nil {
		return flag, "", nil, err
	}
	switch {
	case flag.Kind == "" && given:
		return flag, "", nil, refuse(usageLine(op), "--%s takes no value", flag.Name)
	case flag.Kind == "" || given:
		return flag, value, words, nil
	case len(words) == 0 || !words[0].quoted && strings.HasPrefix(words[0].text, "--"):
		return flag, "", nil, refuse(usageLine(op), "--%s needs a value", flag.Name)
	}
	return flag, words[0].text, words[1:], nil
}

// findFlag returns the flag that was typed, with its dashes.
func findFlag(op Operation, typed string) (Flag, error) {
	name := strings.TrimPrefix(typed, "--")
	if name == typed || name == "" {
		return Flag{}, refuse(usageLine(op), "%q is no flag: flags are written out, with two dashes", typed)
	}
	names := []string{flagReason, flagCluster}
	for _, f := range op.Flags {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	switch name {
	case flagReason:
		return Flag{Name: flagReason, Kind: KindWords}, nil
	case flagCluster:
		return Flag{Name: flagCluster, Kind: KindName}, nil
	}
	for _, r := range name {
		if r > 127 {
			return Flag{}, refuse(Advise("Type it again by hand.").And(usageLine(op)), "the flag --%s contains %s", name, describeRune(r))
		}
	}
	hint := usageLine(op)
	if near := nearest(name, names); len(near) > 0 {
		hint = Advise("Did you mean --%s?", strings.Join(near, " or --")).And(hint)
	}
	return Flag{}, refuse(hint, "`%s` has no flag --%s", op.Name, name)
}

func (p *parser) setFlag(op Operation, f Flag, value string) error {
	switch f.Name {
	case flagReason:
		if p.req.Reason != "" {
			return refuse(Advise("Give one reason."), "--reason is given twice")
		}
		if value = strings.TrimSpace(named(value)); value == "" {
			return refuse(Advise("Type --reason \"why\"."), "the reason is empty")
		}
		if len(value) > MaxReason {
			return refuse(Advise("Give a shorter one."), "the reason has %d bytes; %d are allowed", len(value), MaxReason)
		}
		p.req.Reason = value
		return nil
	case flagCluster:
		return p.setCluster(value)
	}
	if f.Kind != "" {
		if err := checkValue("--"+f.Name, f.Kind, value); err != nil {
			return err
		}
	}
	if _, again := p.req.Flags[f.Name]; again && !f.Repeat {
		return refuse(usageLine(op), "--%s is given twice", f.Name)
	}
	if p.req.Flags == nil {
		p.req.Flags = map[string][]string{}
	}
	p.req.Flags[f.Name] = append(p.req.Flags[f.Name], value)
	return nil
}

// checkArgs checks the arguments against the operation's parameters.
func (p *parser) checkArgs(op Operation) error {
	args := p.req.Args
	for i, param := range op.Params {
		if i >= len(args) {
			if !param.Optional {
				return missing(op, param)
			}
			return nil
		}
		these := args[i : i+1]
		if param.Many {
			these = args[i:]
		}
		for _, v := range these {
			if err := checkArg(op, param, v); err != nil {
				return err
			}
		}
		if param.Many {
			return nil
		}
	}
	if len(args) > len(op.Params) {
		return refuse(usageLine(op), "`%s` has one word too many: %q", op.Name, args[len(op.Params)])
	}
	return nil
}

// checkArg checks one argument; a refusal names the operation's example too.
func checkArg(op Operation, param Param, v string) error {
	err := checkValue(param.Name, param.Kind, v)
	var r *Refusal
	if errors.As(err, &r) && !slices.Contains(r.Next.Commands, op.Example) {
		r.Next = r.Next.And(exampleLine(op))
	}
	return err
}

func missing(op Operation, param Param) error {
	return refuse(usageLine(op), "`%s` needs %s, %s", op.Name, param.Name, strings.TrimSuffix(param.Help, "."))
}

func usageLine(op Operation) Advice { return Advise("Usage: %s %s", Typed(Usage(op)), exampleLine(op)) }

func exampleLine(op Operation) Advice { return Advise("(e.g. %s).", Typed(op.Example)) }

// Command returns a request in normalised words. Parse reads them back to the
// same request.
func Command(r Request) string {
	var b strings.Builder
	if r.Dry {
		b.WriteString("plan ")
	}
	b.WriteString(r.Operation)
	for _, a := range r.Args {
		b.WriteString(" " + quote(a))
	}
	var names []string
	for name := range r.Flags {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range r.Flags[name] {
			b.WriteString(" --" + name)
			if v != "" {
				b.WriteString(" " + quote(v))
			}
		}
	}
	if r.Reason != "" {
		b.WriteString(" --" + flagReason + " " + quoted(r.Reason))
	}
	if r.Cluster != "" {
		b.WriteString(" @" + r.Cluster)
	}
	return b.String()
}

// quoted is like quote, but always adds quotes.
func quoted(s string) string {
	if q := quote(s); q != s {
		return q
	}
	return `"` + s + `"`
}
