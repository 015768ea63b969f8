package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Press presses a button, named by its label or action_id, in a message that
// userID sees. It fails if the message doesn't offer the button now.
func (w *Workspace) Press(ctx context.Context, userID, channelID, ts, name string) (Ack, error) {
	return w.Choose(ctx, userID, channelID, ts, name)
}

// Choose acts on any element of a message. values are the values or texts of
// options, a date, or typed text.
func (w *Workspace) Choose(ctx context.Context, userID, channelID, ts, name string, values ...string) (Ack, error) {
	w.mu.Lock()
	m := w.seen(userID, channelID, ts)
	if m == nil {
		w.mu.Unlock()
		return Ack{}, fmt.Errorf("%s sees no message %s in %s", w.names.user(userID), ts, channelID)
	}
	blocks := m.blocks
	w.mu.Unlock()
	e, err := lookup(blocks, name)
	if err != nil {
		return Ack{}, fmt.Errorf("message %s in %s: %w", ts, channelID, err)
	}
	return w.act(ctx, userID, m, blocks, e, values)
}

// PressOld presses a button of an old copy of a message, as a person does
// whose screen isn't up to date.
func (w *Workspace) PressOld(ctx context.Context, userID string, old Message, name string) (Ack, error) {
	e, err := lookup(old.Blocks, name)
	if err != nil {
		return Ack{}, fmt.Errorf("the old message %s: %w", old.TS, err)
	}
	m := &message{channel: old.Channel, ts: old.TS, thread: old.Thread, user: old.User, to: old.To, text: old.Fallback, blocks: old.Blocks}
	return w.act(ctx, userID, m, old.Blocks, e, nil)
}

func (w *Workspace) seen(userID, channelID, ts string) *message {
	ch := w.channels[channelID]
	if ch == nil || !ch.has(userID) {
		return nil
	}
	i := slices.IndexFunc(ch.messages, func(m *message) bool {
		return m.ts == ts && !m.deleted && (m.to == "" || m.to == userID)
	})
	if i < 0 {
		return nil
	}
	return ch.messages[i]
}

func (w *Workspace) act(ctx context.Context, userID string, m *message, blocks json.RawMessage, e element, values []string) (Ack, error) {
	w.mu.Lock()
	ch := w.channels[m.channel]
	container := object{"type": "message", "message_ts": m.ts, "channel_id": m.channel, "is_ephemeral": m.to != ""}
	payload := w.interaction("block_actions", userID)
	payload["container"], payload["channel"] = container, object{"id": m.channel, "name": channelName(ch)}
	payload["response_url"] = w.newResponseURL("actions", &responseURL{user: userID, channel: m.channel, original: w.seen(userID, m.channel, m.ts)})
	if m.thread != "" {
		container["thread_ts"] = m.thread
	}
	if m.to == "" {
		payload["message"] = w.wire(m)
	}
	w.mu.Unlock()
	return w.actOn(ctx, payload, blocks, e, values)
}

// PressView acts on an element of userID's Home tab or front modal. Values
// that are filled in but not submitted are sent as the view's state.
func (w *Workspace) PressView(ctx context.Context, userID, viewID, name string, values ...string) (Ack, error) {
	w.mu.Lock()
	v := w.views[viewID]
	if v == nil || v != w.top(userID) && v != w.homes[userID] {
		w.mu.Unlock()
		return Ack{}, fmt.Errorf("%s has no view %q in front", w.names.user(userID), viewID)
	}
	payload := w.interaction("block_actions", userID)
	payload["container"], payload["view"] = object{"type": "view", "view_id": v.id}, w.wireView(v)
	blocks := v.blocks
	w.mu.Unlock()
	e, err := lookup(blocks, name)
	if err != nil {
		return Ack{}, fmt.Errorf("view %s: %w", viewID, err)
	}
	return w.actOn(ctx, payload, blocks, e, values)
}

func (w *Workspace) actOn(ctx context.Context, payload object, blocks json.RawMessage, e element, values []string) (Ack, error) {
	chosen, err := e.chosen(values)
	if err != nil {
		return Ack{}, err
	}
	state, err := formState(blocks, map[string][]string{e.blockID() + "/" + e.str("action_id"): values})
	if err != nil {
		return Ack{}, err
	}
	action := object{"type": e.kind(), "action_id": e.str("action_id"), "block_id": e.blockID()}
	maps.Copy(action, chosen)
	w.mu.Lock()
	action["action_ts"] = w.timestamp()
	w.mu.Unlock()
	payload["actions"], payload["state"] = []object{action}, object{"values": state}
	started := time.Now()
	answer, err := w.deliver(ctx, delivery{kind: "interactive", payload: payload})
	return Ack{Payload: answer, Took: time.Since(started)}, err
}

// interaction returns the part that all payloads of one person's actions
// share. The caller holds the lock.
func (w *Workspace) interaction(kind, userID string) object {
	return object{
		"type": kind, "token": "simulated", "api_app_id": appID, "trigger_id": w.newTrigger(userID),
		"team": object{"id": teamID, "domain": "simulated"}, "enterprise": nil, "is_enterprise_install": false,
		"user": object{"id": userID, "username": w.names.user(userID), "name": w.names.user(userID), "team_id": w.names.users[userID].team()},
	}
}

// formState returns the state of all inputs. values (by action_id or
// block_id/action_id) replace the initial ones.
func formState(blocks []byte, values map[string][]string) (map[string]object, error) {
	state := map[string]object{}
	for _, e := range elements(blocks) {
		if strings.HasSuffix(e.kind(), "button") || e.kind() == "overflow" {
			continue
		}
		given, ok := values[e.blockID()+"/"+e.str("action_id")]
		if !ok {
			given, ok = values[e.str("action_id")]
		}
		if !ok {
			given = e.initial()
		}
		chosen, err := e.chosen(given)
		if err != nil {
			return nil, err
		}
		chosen["type"] = e.kind()
		if state[e.blockID()] == nil {
			state[e.blockID()] = object{}
		}
		state[e.blockID()][e.str("action_id")] = chosen
	}
	return state, nil
}
