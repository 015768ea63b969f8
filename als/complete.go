package als

import (
	"slices"
	"strings"
)

// Suggestion is one way to go on with a command.
type Suggestion struct {
	Text string // the whole command with the suggestion in it
	Help string
}

// maxSuggestions is as many as fit under a composer.
const maxSuggestions = 12

// Complete suggests how to go on with the beginning of a command: verbs,
// then flags, and clusters after an @ or where a command is complete.
func Complete(text string, c Catalogue, clusters []string) []Suggestion {
	text = strings.TrimLeft(text, " ")
	if len(text) > MaxText || strings.ContainsAny(text, doubleQuotes+"\n") {
		return nil
	}
	cut := strings.LastIndex(text, " ") + 1
	done, last := text[:cut], text[cut:]
	var out []Suggestion
	add := func(word, help string) {
		if len(out) < maxSuggestions {
			out = append(out, Suggestion{Text: done + word, Help: help})
		}
	}
	if name, ok := strings.CutPrefix(last, "@"); ok {
		for _, cl := range clusters {
			if strings.HasPrefix(cl, name) {
				add("@"+cl, "the cluster "+cl)
			}
		}
		return out
	}
	words := slices.DeleteFunc(strings.Fields(done), func(w string) bool { return strings.HasPrefix(w, "@") })
	if len(words) > 0 && words[0] == "plan" {
		words = words[1:]
	}
	if len(words) > 0 && words[0] == "help" {
		words = words[1:]
	}
	prefix := strings.ToLower(strings.Join(append(slices.Clone(words), last), " "))
	for _, op := range c {
		if rest, ok := strings.CutPrefix(op.Name, prefix); ok && (rest != "" || last != "") {
			add(last+rest, Usage(op)+": "+op.Summary)
		}
	}
	op, ok := operationTyped(words, c)
	if !ok {
		return out
	}
	for _, f := range op.Flags {
		given := slices.ContainsFunc(words, func(w string) bool { return w == "--"+f.Name || strings.HasPrefix(w, "--"+f.Name+"=") })
		if strings.HasPrefix("--"+f.Name, last) && (!given || f.Repeat) && (last != "" || f.Group == "") {
			add("--"+f.Name, f.Help)
		}
	}
	if last == "" && !strings.Contains(done, "@") && len(clusters) > 1 && !op.Builtin {
		for _, cl := range clusters {
			add("@"+cl, "the cluster "+cl)
		}
	}
	return out
}

// operationTyped finds the operation that the words begin with.
func operationTyped(words []string, c Catalogue) (Operation, bool) {
	for n := min(len(words), 4); n > 0; n-- {
		if op, ok := c.Find(strings.ToLower(strings.Join(words[:n], " "))); ok {
			return op, true
		}
	}
	return Operation{}, false
}
