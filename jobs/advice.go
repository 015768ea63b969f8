package jobs

import (
	"errors"
	"strings"

	"alsbot/als"
	"alsbot/executor"
)

// What went wrong and what to do about it are two things: people find the
// first as the run's story and the second under Next.

// inWords is an error for people who are told beside it which step it was and
// on which node: what happened, and what to do about it, if that is known.
func inWords(err error) (what, mend string) {
	var refused *als.Refusal
	var node *executor.Error
	switch {
	case errors.As(err, &refused):
		return refused.Text, refused.Next
	case errors.As(err, &node):
		bare, mend := withoutAdvice(node)
		bare.Node = ""
		return bare.Error(), mend
	}
	return err.Error(), ""
}

// withoutAdvice takes from an executor's error what to do about it.
func withoutAdvice(err *executor.Error) (bare executor.Error, mend string) {
	bare, mend = *err, err.Next
	bare.Next = ""
	if mend == "" && (err.Kind == executor.Unreachable || err.Kind == executor.Interrupted) {
		mend = "look whether the node is up and can be reached"
	}
	return bare, mend
}

// before is a clause as a sentence that another follows; nothing stays nothing.
func before(clause string) string {
	switch {
	case clause == "":
		return ""
	case strings.HasSuffix(clause, "?"), strings.HasSuffix(clause, "."):
		return clause + " "
	}
	return clause + ". "
}
