package als

import (
	"slices"
	"strings"
)

// Suggestion is one way to continue a command.
type Suggestion struct {
	Text string // the whole command, with the suggestion
	Help string
}

// maxSuggestions is the number of suggestions that fit under Slack's message
// field.
const maxSuggestions = 12

// Complete suggests how to continue the beginning of a command: with
// operations, with flags, and with clusters after an @ or a complete command.
func Complete(text string, c Catalogue, clusters []string) []Suggestion {
	text = strings.TrimLeft(text, " ")
	if len(text) > MaxText || strings.ContainsAny(text, doubleQuotes+"\n") {
		return nil
	}
	cut := strings.LastIndex(text, " ") + 1
	t := typing{done: text[:cut], last: text[cut:]}
	if name, ok := strings.CutPrefix(t.last, "@"); ok {
		t.addClusters(clusters, name)
		return t.suggestions
	}
	words := t.words()
	t.addOperations(c, words)
	op, ok := operationTyped(words, c)
	if !ok {
		return t.suggestions
	}
	t.addFlags(op, words)
	if t.last == "" && !strings.Contains(t.done, "@") && len(clusters) > 1 && !op.Builtin {
		t.addClusters(clusters, "")
	}
	return t.suggestions
}

// typing is a command that is being typed: its complete words, the beginning
// of the last one, and what was found to continue it.
type typing struct {
	done, last  string
	suggestions []Suggestion
}

func (t *typing) add(word, help string) {
	if len(t.suggestions) < maxSuggestions {
		t.suggestions = append(t.suggestions, Suggestion{Text: t.done + word, Help: help})
	}
}

// words returns the complete words that name an operation and its flags: no
// cluster, and neither plan nor help in front of another command.
func (t *typing) words() []string {
	words := slices.DeleteFunc(strings.Fields(t.done), func(w string) bool { return strings.HasPrefix(w, "@") })
	for _, before := range []string{"plan", "help"} {
		if len(words) > 0 && words[0] == before {
			words = words[1:]
		}
	}
	return words
}

func (t *typing) addClusters(clusters []string, prefix string) {
	for _, name := range clusters {
		if strings.HasPrefix(name, prefix) {
			t.add("@"+name, "the cluster "+name)
		}
	}
}

func (t *typing) addOperations(c Catalogue, words []string) {
	prefix := strings.ToLower(strings.Join(append(slices.Clone(words), t.last), " "))
	for _, op := range c {
		if rest, ok := strings.CutPrefix(op.Name, prefix); ok && (rest != "" || t.last != "") {
			t.add(t.last+rest, Usage(op)+": "+op.Summary)
		}
	}
}

// addFlags adds the flags that may still be given. Those of a group are many:
// they are suggested only once their beginning is typed.
func (t *typing) addFlags(op Operation, words []string) {
	for _, f := range op.Flags {
		flag := "--" + f.Name
		given := slices.ContainsFunc(words, func(w string) bool { return w == flag || strings.HasPrefix(w, flag+"=") })
		if strings.HasPrefix(flag, t.last) && (!given || f.Repeat) && (t.last != "" || f.Group == "") {
			t.add(flag, f.Help)
		}
	}
}

// operationTyped returns the operation whose name the words begin with.
func operationTyped(words []string, c Catalogue) (Operation, bool) {
	for n := min(len(words), 4); n > 0; n-- {
		if op, ok := c.Find(strings.ToLower(strings.Join(words[:n], " "))); ok {
			return op, true
		}
	}
	return Operation{}, false
}
