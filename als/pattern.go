package als

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled at its first use. There are
// sixty, and compiling them all at the start would take ten milliseconds.
type pattern struct{ compiled func() *regexp.Regexp }

func mustCompile(expr string) *pattern {
	return &pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
}

func (p *pattern) MatchString(s string) bool            { return p.compiled().MatchString(s) }
func (p *pattern) FindStringSubmatch(s string) []string { return p.compiled().FindStringSubmatch(s) }
func (p *pattern) ReplaceAllString(s, by string) string { return p.compiled().ReplaceAllString(s, by) }
