package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"alsbot/als"
	"alsbot/runs"
)

// This file has the bot's words: sentence case, short, no jargon; first the
// state, then what to do. A state has one icon and always a word beside it.
// Sizes are in IEC units, durations look like 4m 12s, times are in the reader's
// time zone.

// stateWords returns the icon and the words for a state.
func stateWords(s runs.State) (icon, words string) {
	switch s {
	case runs.Planned:
		return "🔎", "Looking at the cluster"
	case runs.Awaiting:
		return "🔐", "Waiting for approval"
	case runs.Queued:
		return "🕒", "Queued"
	case runs.Running:
		return "▶️", "Running"
	case runs.Succeeded:
		return "✅", "Succeeded"
	case runs.Unconfirmed:
		return "⚠️", "Not confirmed"
	case runs.Failed:
		return "❌", "Failed"
	case runs.Cancelled:
		return "🚫", "Cancelled"
	case runs.Lost:
		return "❓", "Lost: nobody can know how it ended"
	case runs.Rejected:
		return "⛔", "Rejected, nothing was run"
	case runs.Expired:
		return "⌛", "Expired, nothing was run"
	case runs.Void:
		return "♻️", "Void, nothing was run"
	}
	return "•", string(s)
}

// concernIcon marks a look that found something amiss.
const concernIcon = "⚠️"

// stateWord returns a state's own word, for the fallback text: programs and
// screen readers find a run's state by it.
func stateWord(s runs.State) string {
	return sentenceCase(strings.ReplaceAll(string(s), "_", " "))
}

// dryWords returns the icon and the words for a dry run, which only shows its
// plan.
func dryWords() (icon, words string) { return "📋", "The plan; nothing was run" }

// verifyingWords returns the icon and the words for a run whose steps have
// ended and whose verdict is not there yet.
func verifyingWords() (icon, words string) {
	return "🔎", "The steps are over, verifying what they did"
}

// approvalWords returns the icon and the headline of an approval.
func approvalWords(s runs.ApprovalState) (icon, words string) {
	switch s {
	case runs.ApprovalWaiting:
		return "🔐", "Approval wanted"
	case runs.ApprovalChecking:
		return "🔎", "Approved, looking at the cluster once more"
	case runs.ApprovalGiven:
		return "✅", "Approved"
	case runs.ApprovalRejected:
		return "⛔", "Rejected"
	case runs.ApprovalExpired:
		return "⌛", "Expired"
	case runs.ApprovalVoid:
		return "♻️", "Void"
	}
	return "•", string(s)
}

// effectWords explains an effect to a person who has to decide.
func effectWords(e als.Effect) string {
	switch e {
	case als.Read:
		return "reads, changes nothing"
	case als.Change:
		return "changes something, restarts no role"
	case als.Restart:
		return "roles stop, start or restart"
	case als.Destroy:
		return "overwrites or forgets data"
	}
	return string(e)
}

// cancelWords explains what Cancel does to a run in a state.
func cancelWords(s runs.State) string {
	if s == runs.Running {
		return "What runs on the node is stopped. Clean-up steps still run."
	}
	return "It has not begun, and will not. If it has begun meanwhile, it is stopped."
}

// levelIcon returns the icon of a finding's level.
func levelIcon(l als.Level) string {
	if l == als.Stop {
		return "⛔"
	}
	return "⚠️"
}

// duration writes a duration as people say it.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case d <= 0:
		return "under 1s"
	case h > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm %ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// leftOut says how much a cut has left out.
func leftOut(s string) string {
	if lines := strings.Count(strings.Trim(s, "\n"), "\n") + 1; lines > 1 {
		return fmt.Sprintf("[%d more lines, %s]", lines, size(int64(len(s))))
	}
	return fmt.Sprintf("[%s more]", size(int64(len(s))))
}

// These texts answer what alsbot can't do. Each ends with what to do next.
const (
	textOtherWorkspace  = "This came from another workspace of your organization than the one that alsbot belongs to. Nothing has changed. Ask in alsbot's own workspace."
	textStranger        = "You belong to another organization (Slack Connect), and alsbot takes commands and decisions only from full members of its own workspace. Nothing has changed. Ask somebody there."
	textPersonUnknown   = "Slack did not say to which workspace you belong, so nothing was started. Try again in a minute."
	textTooMany         = "You press buttons more often than alsbot can look rights up in Slack, so this press was not counted. Nothing has changed. Wait a minute, then press again."
	textTooManyMentions = "You mention alsbot more often than it can answer, so this command was not taken. Nothing has changed. Wait a minute, then ask again."
	textNotIdentified   = "alsbot has only just started, and Slack has not told it yet to which workspace it belongs. Nothing was started: try again in a minute."
	textOtherCommand    = "alsbot listens to another command here, so nothing was started. Ask whoever set alsbot up which one, or see `slack.command` in its config."
	textUnknownButton   = "alsbot does not know this button. It may come from an older version: type the command again."
	textStaleButton     = "This button belongs to a request that has changed since. Nothing was decided: look at the present card."
	textPlanComes       = "the whole plan does not fit on the request, and the file with it is not in the request's thread yet"
	textPlanRefused     = "the whole plan does not fit on the request, and the file with it could not be put into the request's thread: %s"
	textNoButtons       = "Slack did not take the buttons of this request, so no one can approve or reject it here, and words don't approve. Type `cancel %s`, then `retry %s`: that posts a new request."
	textBusy            = "alsbot has more to do than it can take in just now. Nothing was started: try again in a minute."
)

// textMore ends a list of runs.
const textMore = "Type `run ID` to see one of them, `output ID` for what it printed."

// textMeanwhile is the headline of a digest.
func textMeanwhile(n int) string {
	return fmt.Sprintf("While Slack could not be reached, %s ended", plural(n, "run", "runs"))
}

// textTrouble answers if alsbot itself has failed.
func textTrouble(id string) string {
	return "alsbot ran into trouble of its own and cannot say whether this was taken. Type `runs` to see, then ask again. If it stays so, give whoever runs alsbot this number: " + id + "."
}

// textNotShown tells a person privately why their channel shows nothing.
func textNotShown(run, why string) string {
	return fmt.Sprintf("Run `%s` goes on, but alsbot cannot write in this channel: %s. To see it, type `run %s`.", run, why, run)
}

// channelAdvice explains, in the log, Slack's error code for a channel and how
// to fix it. The log line names the channel.
func channelAdvice(code string) string {
	switch code {
	case "not_in_channel", "channel_not_found":
		return "invite the bot in that channel: /invite @alsbot; if there is no such channel, mend its ID in the config"
	}
	return codeAdvice(code)
}

// codeAdvice explains Slack's error code and what to do.
func codeAdvice(code string) string {
	switch code {
	case "not_in_channel", "channel_not_found":
		return "it is not a member here. Invite it: /invite @alsbot"
	case "is_archived":
		return "the channel is archived. Ask in another one, or take it out of the archive"
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "restricted_action_non_threadable_channel":
		return "the channel's settings do not let apps post. Ask in another one, or have its settings changed"
	case "missing_scope":
		return "the Slack app lacks a permission. Whoever set alsbot up can see which with `alsbot check --connect`"
	case "msg_too_long", "msg_blocks_too_long":
		return "the message is too long for Slack"
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return "Slack does not accept alsbot's token. Whoever set alsbot up has to install the app again and put the new token into the config"
	}
	return "Slack says " + code
}
