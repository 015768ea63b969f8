package jobs

import (
	"errors"

	"alsbot/als"
	"alsbot/executor"
)

// What went wrong and what to do about it are two things: people find the
// first as the run's story and the second under Next.

// inWords is an error for people who are told beside it which step it was and
// on which node: what happened, and what to do about it, if that is known.
func inWords(err error) (what string, mend als.Advice) {
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
	return err.Error(), als.Advice{}
}

// withoutAdvice takes from an executor's error what to do about it.
func withoutAdvice(err *executor.Error) (bare executor.Error, mend als.Advice) {
	bare, mend = *err, als.Advice{Text: err.Next, Commands: err.Commands}
	bare.Next, bare.Commands = "", nil
	if mend.Empty() && (err.Kind == executor.Unreachable || err.Kind == executor.Interrupted) {
		mend = als.Advise("look whether the node is up and can be reached")
	}
	return bare, mend
}
