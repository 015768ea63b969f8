// Package crashpoint names the places at which alsbot must survive its own
// death. In a normal build Point does nothing and the linker drops it. In a
// build with the tag `faults`, for the fault suite only, the variable
// ALSBOT_CRASH (NAME, or NAME#N for the Nth pass) makes the process kill
// itself at that place as kill -9 would: it runs no deferred function and
// flushes nothing.
package crashpoint

// The places. Every run that changes something passes each of them.
const (
	BeforeCommit = "before-commit" // store: everything is written, nothing is on disk
	AfterCommit  = "after-commit"  // store: the commit is on disk, no caller knows
	BeforeBlob   = "before-blob"   // store: output has arrived, no byte is written
	AfterBlob    = "after-blob"    // store: output is on disk, its offset is not
	BeforeSend   = "before-send"   // executor: nothing has left for the node
	AfterSend    = "after-send"    // executor: the node may act, no answer has arrived
	AfterReply   = "after-reply"   // executor: the node's answer has arrived, nothing is committed
	MidTail      = "mid-tail"      // executor: a piece of output is kept, more will come
	ExitSeen     = "exit-seen"     // executor: the exit status is known, nothing is committed
	BeforePost   = "before-post"   // bot: Slack knows nothing
	AfterPost    = "after-post"    // bot: Slack has the message, the store does not know
	AfterAck     = "after-ack"     // bot: the store knows that Slack has the message
)
