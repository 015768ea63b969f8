package node

import (
	"fmt"
	"strings"
)

// command is one command of kato, in the profiles that have it. The table may
// have the same words twice, with different grammars.
type command struct {
	words   string   // "patch install"
	only    []string // profiles; nil means all
	options string   // "-a --all, -n --node=IP": the value's name follows =
	args    string   // as the usage shows them: "[<patchname>]", "<role>..."
	min     int      // minimum number of arguments
	max     int      // maximum; negative means any number
	job     string   // if set, only one command of this job runs in a cluster
	admin   bool     // recorded in kato.log and the history
	run     func(*kato) int
}

// option is one option of a command.
type option struct {
	long, short string // without dashes
	value       string // name of the value; "" for a switch
}

func (c command) parseOptions() []option {
	var opts []option
	for _, text := range strings.Split(c.options, ",") {
		var o option
		for _, word := range strings.Fields(text) {
			if long, ok := strings.CutPrefix(word, "--"); ok {
				o.long, o.value, _ = strings.Cut(long, "=")
			} else {
				o.short = strings.TrimPrefix(word, "-")
			}
		}
		if o.long != "" {
			opts = append(opts, o)
		}
	}
	return opts
}

// usage returns the text that docopt prints.
func (c command) usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  kato %s [options] %s\n", c.words, c.args)
	b.WriteString("\nOptions:\n  -h --help\n")
	for _, o := range c.parseOptions() {
		b.WriteString("  ")
		if o.short != "" {
			b.WriteString("-" + o.short + " ")
		}
		b.WriteString("--" + o.long)
		if o.value != "" {
			b.WriteString(" <" + o.value + ">")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// parsed is a command line that fits the grammar.
type parsed struct {
	flags map[string]string // by long name
	args  []string
}

func (p parsed) has(flag string) bool { _, ok := p.flags[flag]; return ok }

func (p parsed) arg(i int) string {
	if i >= len(p.args) {
		return ""
	}
	return p.args[i]
}

// parse reads the words after a command's own. It returns false for a usage
// error: an unknown option, a missing or unexpected value, a wrong number of
// arguments. Unlike docopt it accepts no abbreviated options, so that a caller
// who relies on them fails a test.
func (c command) parse(words []string) (parsed, bool) {
	p := parsed{flags: map[string]string{}}
	opts := c.parseOptions()
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			p.args = append(p.args, words...)
			break
		}
		if len(word) < 2 || word[0] != '-' {
			p.args = append(p.args, word)
			continue
		}
		var ok bool
		if strings.HasPrefix(word, "--") {
			words, ok = p.long(opts, word[2:], words)
		} else {
			words, ok = p.shorts(opts, word[1:], words)
		}
		if !ok {
			return p, false
		}
	}
	return p, len(p.args) >= c.min && (c.max < 0 || len(p.args) <= c.max)
}

func (p parsed) long(opts []option, word string, rest []string) ([]string, bool) {
	name, value, given := strings.Cut(word, "=")
	if name == "help" && !given {
		p.flags["help"] = ""
		return rest, true
	}
	for _, o := range opts {
		switch {
		case o.long != name:
			continue
		case o.value == "":
			p.flags[name] = ""
			return rest, !given
		case given:
			p.flags[name] = value
			return rest, true
		case len(rest) > 0:
			p.flags[name] = rest[0]
			return rest[1:], true
		}
		return rest, false
	}
	return rest, false
}

// shorts reads one word of short options: -av, -n IP, -nIP.
func (p parsed) shorts(opts []option, word string, rest []string) ([]string, bool) {
	for word != "" {
		letter := word[:1]
		word = word[1:]
		if letter == "h" {
			p.flags["help"] = ""
			continue
		}
		found := false
		for _, o := range opts {
			if o.short != letter {
				continue
			}
			found = true
			if o.value == "" {
				p.flags[o.long] = ""
				break
			}
			if word == "" {
				if len(rest) == 0 {
					return rest, false
				}
				word, rest = rest[0], rest[1:]
			}
			p.flags[o.long] = word
			word = ""
			break
		}
		if !found {
			return rest, false
		}
	}
	return rest, true
}
