package als

import (
	"encoding/json"
	"fmt"
	"strings"
)

// What earlier versions stored: an advice was a text, with its commands in
// back-ticks, and what belongs to it stood beside it.

// UnmarshalJSON also reads a text of an earlier version.
func (a *Advice) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*a = Advice{Text: text, Generic: strings.HasPrefix(text, readOutput)}
		pieces := strings.Split(text, "`")
		for i := 1; i < len(pieces)-1; i += 2 {
			a.Commands = append(a.Commands, pieces[i])
		}
		return nil
	}
	type plain Advice
	if err := json.Unmarshal(b, (*plain)(a)); err != nil {
		return fmt.Errorf("reading an advice: %w", err)
	}
	return nil
}

// UnmarshalJSON also reads a finding of an earlier version.
func (f *Finding) UnmarshalJSON(b []byte) error {
	type plain Finding
	old := struct {
		*plain
		Reword bool `json:"reword"`
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(b, &old); err != nil {
		return fmt.Errorf("reading a finding: %w", err)
	}
	f.Fix.Reword = f.Fix.Reword || old.Reword
	return nil
}

// UnmarshalJSON also reads a plan of an earlier version.
func (p *Plan) UnmarshalJSON(b []byte) error {
	type plain Plan
	old := struct {
		*plain
		Offers []string `json:"offers"`
	}{plain: (*plain)(p)}
	if err := json.Unmarshal(b, &old); err != nil {
		return fmt.Errorf("reading a plan: %w", err)
	}
	p.Next.offered(old.Offers)
	return nil
}

// UnmarshalJSON also reads a verdict of an earlier version.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	type plain Verdict
	old := struct {
		*plain
		Offers []string `json:"offers"`
	}{plain: (*plain)(v)}
	if err := json.Unmarshal(b, &old); err != nil {
		return fmt.Errorf("reading a verdict: %w", err)
	}
	v.Next.offered(old.Offers)
	return nil
}

// offered takes over the offers that were stored beside an advice.
func (a *Advice) offered(commands []string) {
	if len(commands) > 0 {
		a.Offers = commands[:min(len(commands), MaxOffers)]
	}
}
