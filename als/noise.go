package als

import (
	"strings"
)

// Noise is what the nodes print between the lines of an answer and what says
// nothing about the cluster. Only this file decides what is noise. Readers
// report every other line that they cannot read.

var noiseTexts = []*pattern{
	// kato prints it every ten seconds while a container has no size.
	mustCompile(`(?i)^([0-9][0-9:.,TZ/+-]* ){0,2}error getting sizes$`),
	// kato's log lines, headings and progress.
	mustCompile(`(?i)^\[(info|debug)\] `),
	mustCompile(`^-{2,}> `),
	mustCompile(`^(\S{1,45}: )?[A-Za-z]+ing( [^ ]+){0,8}\.\.\.$`),
	mustCompile(`(?i)^\S.{0,200}\.\.\.\s+(ok|done)$`),
	// The login shell, sudo and SSH of Ubuntu 12.04.
	mustCompile(`^(stdin: is not a tty|mesg: .{0,80}: Inappropriate ioctl for device)$`),
	mustCompile(`^\S{1,40}: warning: setlocale: LC_[A-Z]+: cannot change locale \(.{0,40}\)$`),
	mustCompile(`^Warning: Permanently added '[^']{1,100}' \([A-Z0-9-]+\) to the list of known hosts\.$`),
	mustCompile(`^Welcome to Ubuntu [^:]{1,120}$`),
	mustCompile(`^\* (Documentation|Management|Support): +https?://\S+$`),
	mustCompile(`^\d+ (packages can be updated|updates are security updates)\.$`),
}

// alarming matches words with which a line of kato's log, a heading or a
// progress line tells bad news. It is not noise then.
var alarming = mustCompile(`(?i)fail|error|fatal|abort|cannot|can't|could ?n[o']t|unable|unreach|not reach|refused|denied|timed? ?out|halt|skip|exception|warn|\b(is|are|was|has|went) (down|gone|lost)|\bgone\b|\bdead\b|stopped|crash|missing|no (answer|reply|response)|offline|killed|incomplete|not (run|up|complete)`)

// isNoise reports whether a line, as clean returns it, says nothing about the
// cluster.
func isNoise(line string) bool {
	l := strings.TrimSpace(line)
	if l == "" || noiseTexts[0].MatchString(l) {
		return true
	}
	for i, n := range noiseTexts[1:] {
		if n.MatchString(l) {
			return i >= 4 || !alarming.MatchString(l)
		}
	}
	return false
}
