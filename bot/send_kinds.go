package bot

import (
	"context"
	"fmt"
	"strings"

	"alsbot/runs"
)

// messageKind says how the rows of one kind become messages, and how those are
// sent.
type messageKind struct {
	// send sends a message. What is to be recorded with the deletion of its rows
	// it leaves in the message. An error means: send it again.
	send func(s *sender, ctx, long context.Context, q *channelQueue, msg *message) error
	// place returns the message that a row belongs to, and its queue.
	place func(ctx context.Context, s *sender, row runs.Outgoing, known map[string]string) (key, queue string)
	// texts is how many rows become one message, if each has a text of its own;
	// 0 for rows that show a state, of which any number become one.
	texts int
}

// progress and digest are the kinds of messages that no row asks for.
const (
	progress runs.Kind = "progress"
	digest   runs.Kind = "digest" // lists many runs
)

// manyTexts is how many texts people can read in one message.
const manyTexts = 20

// messageKinds has a line for each kind of message.
var messageKinds = map[runs.Kind]messageKind{
	runs.TellRun:      {send: (*sender).sendRun, place: inItsChannel},
	runs.TellApproval: {send: (*sender).sendApproval, place: inItsChannel},
	runs.TellPlan:     {send: (*sender).sendPlan, place: alone},
	runs.TellOutput:   {send: (*sender).sendOutput, place: inThread},
	runs.TellFile:     {send: (*sender).sendAttachment, place: alone}, // a node decides how long it takes
	runs.TellFollowUp: {send: (*sender).sendFollowUp, place: inThread, texts: manyTexts},
	runs.TellReply:    {send: (*sender).sendReply, place: aloneEach},
	runs.TellChannel:  {send: (*sender).sendNotice, place: inClusterChannel, texts: manyTexts},
	progress:          {send: (*sender).showProgress},
	digest:            {send: (*sender).sendDigest},
}

// kindOf returns what the sender knows of a kind.
func kindOf(k runs.Kind) messageKind {
	if kind, ok := messageKinds[k]; ok {
		return kind
	}
	return messageKind{send: (*sender).sendUnknown, place: inItsChannel} // a later version wrote the row
}

// merge returns how many rows become one message.
func (k messageKind) merge() int {
	if k.texts > 0 {
		return k.texts
	}
	return scanLimit
}

// inItsChannel places a message by itself in the channel that has it, or will
// have it.
func inItsChannel(ctx context.Context, s *sender, row runs.Outgoing, known map[string]string) (key, queue string) {
	key = string(row.Kind) + "/" + row.Run
	return key, s.queueName(ctx, key, row, known)
}

// inThread places a message into the thread of the run's message, and so behind
// it in the same queue.
func inThread(ctx context.Context, s *sender, row runs.Outgoing, known map[string]string) (key, queue string) {
	return string(row.Kind) + "/" + row.Run, s.queueName(ctx, runKey(row.Run), row, known)
}

// alone gives a run's message a queue of its own, so that nothing waits for it.
func alone(_ context.Context, _ *sender, row runs.Outgoing, _ map[string]string) (key, queue string) {
	key = string(row.Kind) + "/" + row.Run
	return key, key
}

// aloneEach gives every row a message and a queue of its own.
func aloneEach(_ context.Context, _ *sender, row runs.Outgoing, _ map[string]string) (key, queue string) {
	key = fmt.Sprintf("%s/%d", row.Kind, row.Seq)
	return key, key
}

// inClusterChannel places a message in the channel of the row's cluster.
func inClusterChannel(_ context.Context, s *sender, row runs.Outgoing, _ map[string]string) (key, queue string) {
	return "say/" + row.Cluster, s.clusterChannel(row.Cluster)
}

// queueName returns the queue of a run's message. It looks it up once while
// rows wait.
func (s *sender) queueName(ctx context.Context, key string, row runs.Outgoing, known map[string]string) string {
	name, ok := known[key]
	if !ok {
		if name, ok = s.queueOf[key]; !ok {
			name = s.channelOf(ctx, key, row)
		}
		known[key] = name
	}
	return name
}

// sendUnknown drops a row that a later version has written.
func (s *sender) sendUnknown(_, _ context.Context, _ *channelQueue, msg *message) error {
	s.log.Error("the outbox asks for something that this version cannot tell", "kind", msg.kind, "row", msg.rows[0].Seq)
	return nil
}

// texts returns the texts of a message's rows, a line each.
func (m *message) texts() []string {
	var lines []string
	for _, row := range m.rows {
		lines = append(lines, strings.ReplaceAll(row.Text, "\n", " "))
	}
	return lines
}
