// Package crash names the places at which alsbot must be able to die. In a
// normal build Point does nothing and leaves no trace in the program. Built
// with the tag `faults`, for the fault suite only, the variable ALSBOT_CRASH
// (NAME, or NAME#N for the N-th time) makes the process kill itself there,
// as kill -9 would: no deferred function, no flush, no goodbye.
package crash

// The points. Each is passed in the life of every run that changes something.
const (
	BeforeCommit = "before-commit" // store: everything is written, nothing is on disk
	AfterCommit  = "after-commit"  // store: it is on disk, nobody has been told
	BeforeBlob   = "before-blob"   // store: output is there, not one byte is written
	AfterBlob    = "after-blob"    // store: output is on disk, its offset is not
	BeforeSend   = "before-send"   // executor: nothing has left for the node
	AfterSend    = "after-send"    // executor: the node may act, no answer is here
	AfterReply   = "after-reply"   // executor: the node's answer is here, nothing is committed
	MidTail      = "mid-tail"      // executor: a piece of output is kept, more is to come
	ExitSeen     = "exit-seen"     // executor: the exit status is known, nothing is committed
	BeforePost   = "before-post"   // bot: Slack knows nothing
	AfterPost    = "after-post"    // bot: Slack has it, the store does not know
	AfterTold    = "after-told"    // bot: the store knows
)
