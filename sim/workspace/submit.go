package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// troubleConnecting is Slack's text for a submission without a usable answer.
const troubleConnecting = "We had some trouble connecting. Try again?"

// Submit fills in and submits userID's front modal. values are by action_id or
// block_id/action_id: typed text, or option values. Other inputs keep their
// initial values. Submit first makes the client's own checks (required fields,
// lengths). It reports their failures like the app's: as the Errors of the
// view, which then stays open, and as an error.
func (w *Workspace) Submit(ctx context.Context, userID string, values map[string][]string) (Ack, error) {
	w.mu.Lock()
	v := w.top(userID)
	if v == nil {
		w.mu.Unlock()
		return Ack{}, fmt.Errorf("%s has no modal open", w.names.user(userID))
	}
	blocks := v.blocks
	w.mu.Unlock()
	if err := known(blocks, values); err != nil {
		return Ack{}, err
	}
	state, err := formState(blocks, values)
	if err != nil {
		return Ack{}, err
	}
	if problems := incomplete(blocks, state); len(problems) > 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		v.errors, v.notice, v.rev = problems, "", w.touch()
		return Ack{}, fmt.Errorf("the form is not complete: %s", sortedPairs(problems))
	}
	w.mu.Lock()
	payload := w.interaction("view_submission", userID)
	shown := w.wireView(v)
	shown["state"] = object{"values": state}
	payload["view"], payload["response_urls"] = shown, []object{}
	w.mu.Unlock()
	started := time.Now()
	answer, err := w.deliver(ctx, delivery{kind: "interactive", payload: payload})
	ack := Ack{Payload: answer, Took: time.Since(started)}
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		v.notice, v.rev = troubleConnecting, w.touch()
		return ack, err
	}
	return ack, w.submitted(v, answer)
}

// submitted applies the app's answer to the modal.
func (w *Workspace) submitted(v *view, answer json.RawMessage) error {
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(answer) > 0 && json.Unmarshal(answer, &a) != nil {
		v.notice, v.rev = troubleConnecting, w.touch()
		return fmt.Errorf("%w: the app's answer to a submission is no JSON object", ErrDispatch)
	}
	stack := w.modals[v.user]
	switch a.Action {
	case "":
		w.drop(v)
	case "clear":
		delete(w.modals, v.user)
		w.touch()
	case "errors":
		return w.showErrors(v, a.Errors)
	case "update":
		return w.fill(v, string(a.View), "modal")
	case "push":
		if len(stack) >= maxStack {
			return refuse("push_limit_reached")
		}
		above := w.newView(v.user)
		above.root, above.previous = v.root, v.id
		if err := w.fill(above, string(a.View), "modal"); err != nil {
			return err
		}
		w.modals[v.user] = append(stack, above)
	default:
		w.violateLocked("view_submission: unknown response_action %q", a.Action)
		v.notice, v.rev = troubleConnecting, w.touch()
	}
	return nil
}

func (w *Workspace) showErrors(v *view, errs map[string]string) error {
	inputs := map[string]bool{}
	for _, b := range decodeBlocks(v.blocks) {
		inputs[b.str("block_id")] = b.str("type") == "input"
	}
	for id := range errs {
		if !inputs[id] {
			w.violateLocked("view_submission: error for %q, which is no input block", id)
			v.notice, v.rev = troubleConnecting, w.touch()
			return nil
		}
	}
	v.errors, v.notice, v.rev = errs, "", w.touch()
	return nil
}

// drop removes v from its stack.
func (w *Workspace) drop(v *view) {
	w.modals[v.user] = slices.DeleteFunc(w.modals[v.user], func(other *view) bool { return other == v })
	w.touch()
}

// CloseModal closes userID's front modal. It notifies the app if the modal
// asked for that.
func (w *Workspace) CloseModal(ctx context.Context, userID string) error {
	w.mu.Lock()
	v := w.top(userID)
	if v == nil {
		w.mu.Unlock()
		return fmt.Errorf("%s has no modal open", w.names.user(userID))
	}
	w.drop(v)
	payload := w.interaction("view_closed", userID)
	delete(payload, "trigger_id")
	payload["view"], payload["is_cleared"] = w.wireView(v), false
	w.mu.Unlock()
	if !v.body.flag("notify_on_close") {
		return nil
	}
	_, err := w.deliver(ctx, delivery{kind: "interactive", payload: payload})
	return err
}

// OpenHome opens the app's Home tab as userID and notifies the app.
func (w *Workspace) OpenHome(ctx context.Context, userID string) error {
	w.mu.Lock()
	event := object{"type": "app_home_opened", "user": userID, "channel": w.direct(userID).ID, "tab": "home", "event_ts": w.timestamp()}
	if v := w.homes[userID]; v != nil {
		event["view"] = w.wireView(v)
	}
	w.mu.Unlock()
	return w.deliverEvent(ctx, event)
}

// known refuses values for elements that the form doesn't have.
func known(blocks []byte, values map[string][]string) error {
	for name := range values {
		if _, err := lookup(blocks, name); err != nil {
			return err
		}
	}
	return nil
}

// incomplete makes the checks that a Slack client makes before it submits.
func incomplete(blocks []byte, state map[string]object) map[string]string {
	problems := map[string]string{}
	for _, e := range elements(blocks) {
		if e.block.str("type") != "input" {
			continue
		}
		chosen := state[e.blockID()].obj(e.str("action_id"))
		if empty(chosen) {
			if !e.block.flag("optional") {
				problems[e.blockID()] = "Please complete this required field."
			}
			continue
		}
		length := utf8.RuneCountInString(chosen.str("value"))
		if least, ok := e.object["min_length"].(float64); ok && length < int(least) {
			problems[e.blockID()] = fmt.Sprintf("Please enter at least %d characters.", int(least))
		}
		if most, ok := e.object["max_length"].(float64); ok && length > int(most) {
			problems[e.blockID()] = fmt.Sprintf("Please enter at most %d characters.", int(most))
		}
	}
	return problems
}

func empty(chosen object) bool {
	for key, v := range chosen {
		if key == "type" {
			continue
		}
		switch v := v.(type) {
		case string:
			return v == ""
		case []string:
			return len(v) == 0
		case []object:
			return len(v) == 0
		default:
			return v == nil
		}
	}
	return true
}

func sortedPairs(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+": "+m[k])
	}
	return strings.Join(out, "; ")
}
