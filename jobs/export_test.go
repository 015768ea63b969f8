package jobs

import "time"

// WhyMissed is whyMissed, whose clock a test cannot put forward: at is the
// clock on the wall and up the time since start, of the last look and of now.
func WhyMissed(slot, start, lastAt time.Time, lastUp time.Duration, at time.Time, up time.Duration, failed error) string {
	return whyMissed(slot, start, moment{at: lastAt, up: lastUp}, moment{at: at, up: up}, failed)
}

// AnsweredCommands lists the commands of alsbot's own that have an answer.
func AnsweredCommands() (names []string) {
	for _, b := range builtinCommands {
		if b.reply != nil || b.instead != nil {
			names = append(names, b.op.Name)
		}
	}
	return names
}
