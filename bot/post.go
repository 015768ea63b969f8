package bot

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"alsbot/crashpoint"
)

// messageRef is where a message is: a channel and a timestamp.
type messageRef struct {
	Channel string `json:"channel"`
	TS      string `json:"ts,omitempty"`
	// Refused is Slack's error code if nothing could be posted there.
	Refused string `json:"refused,omitempty"`
}

// metadata goes with a message: the run that it belongs to, and its kind.
type metadata struct{ run, kind string }

const (
	methodPost       = "chat.postMessage"
	methodUpdate     = "chat.update"
	methodEphemeral  = "chat.postEphemeral"
	methodOpen       = "views.open"
	methodOpenDirect = "conversations.open"
	methodUpload     = "files.upload" // stands for the three calls of an upload
	methodRespond    = "response_url"
)

// options returns what every message is sent with: text and blocks, nothing
// unfurled, nothing parsed. It always sends blocks: an update without them
// would keep the old ones, buttons included.
func options(m content, k metadata) []slack.MsgOption {
	blocks := m.blocks
	if blocks == nil {
		blocks = []slack.Block{}
	}
	opts := []slack.MsgOption{
		slack.MsgOptionText(m.text, false),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionParse(false),
	}
	if k.run != "" {
		opts = append(opts, slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    "alsbot",
			EventPayload: map[string]any{"run": k.run, "kind": k.kind},
		}))
	}
	return opts
}

// call calls a method of Slack. If Slack says when the next call may come,
// later calls wait until then.
func (c *Client) call(ctx context.Context, method string, limit time.Duration, fn func(context.Context) error) error {
	if !pause(ctx, c.pauses.left(method)) {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	crashpoint.Point(crashpoint.BeforePost)
	err := fn(ctx)
	crashpoint.Point(crashpoint.AfterPost)
	if t := classify(err); t.fate == limited {
		c.pauses.set(method, t.after)
	}
	return err
}

// post posts a new message, in a thread if one is named. If Slack refuses the
// blocks, post sends a simpler form.
func (c *Client) post(ctx context.Context, channel, thread string, m content, k metadata) (messageRef, error) {
	var at messageRef
	send := func(m content) error {
		opts := options(m, k)
		if thread != "" {
			opts = append(opts, slack.MsgOptionTS(thread))
		}
		return c.call(ctx, methodPost, callLimit, func(ctx context.Context) error {
			ch, ts, err := c.api.PostMessageContext(ctx, channel, opts...)
			if err == nil && ts == "" {
				return errors.New("no place of the message in Slack's answer")
			}
			at = messageRef{Channel: ch, TS: ts}
			return err
		})
	}
	err := c.sendSimpler(m, send)
	return at, err
}

// update replaces an earlier message with m.
func (c *Client) update(ctx context.Context, at messageRef, m content, k metadata) error {
	return c.sendSimpler(m, func(m content) error {
		return c.call(ctx, methodUpdate, callLimit, func(ctx context.Context) error {
			_, _, _, err := c.api.UpdateMessageContext(ctx, at.Channel, at.TS, options(m, k)...)
			return err
		})
	})
}

// sendSimpler sends m. If Slack refuses its blocks, it sends m in the simplest
// ones that have its buttons, and if Slack refuses these too, without any.
func (c *Client) sendSimpler(m content, send func(content) error) error {
	err := send(m)
	if !c.refusesForm(err) {
		return err
	}
	if bare, ok := m.bare(); ok {
		if err = send(bare); !c.refusesForm(err) {
			return err
		}
	}
	return send(m.plain())
}

// refusesForm reports whether Slack does not take a message as alsbot made it.
func (c *Client) refusesForm(err error) bool {
	switch t := classify(err); t.code {
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_metadata_format":
		var said slack.SlackErrorResponse
		errors.As(err, &said)
		c.log.Error("Slack does not take a message as alsbot made it; sending it in a simpler form", "code", t.code, "details", said.ResponseMetadata.Messages)
		return true
	}
	return false
}

// postEphemeral shows m to one person in a channel.
func (c *Client) postEphemeral(ctx context.Context, channel, who string, m content) error {
	return c.call(ctx, methodEphemeral, callLimit, func(ctx context.Context) error {
		_, err := c.api.PostEphemeralContext(ctx, channel, who, options(m, metadata{})...)
		return err
	})
}

// respond answers at the URL that came with a command or a press. Only the
// person sees it.
func (c *Client) respond(ctx context.Context, to string, m content) error {
	if err := c.checkResponseURL(to); err != nil {
		return err
	}
	no := false
	msg := &slack.WebhookMessage{
		ResponseType: slack.ResponseTypeEphemeral,
		Text:         m.text,
		Parse:        "none",
		UnfurlLinks:  &no,
		UnfurlMedia:  &no,
	}
	if len(m.blocks) > 0 {
		msg.Blocks = &slack.Blocks{BlockSet: m.blocks}
	}
	return c.call(ctx, methodRespond, callLimit, func(ctx context.Context) error {
		return slack.PostWebhookCustomHTTPContext(ctx, to, c.web, msg)
	})
}

// checkResponseURL refuses response URLs that don't lead to Slack: a forged one
// must not make alsbot call other hosts.
func (c *Client) checkResponseURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errNotSlackURL
	case u.User != nil || u.Fragment != "":
		return errNotSlackURL
	case u.Scheme == "https" && strings.EqualFold(u.Host, "hooks.slack.com"):
		return nil
	case (u.Scheme == "https" || u.Scheme == c.base.Scheme) && strings.EqualFold(u.Host, c.base.Host):
		return nil
	}
	return fmt.Errorf("%w: %s://%s", errNotSlackURL, u.Scheme, u.Host)
}

var errNotSlackURL = errors.New("this response URL does not lead to Slack, so it is not called")
