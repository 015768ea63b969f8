package workspace

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxStack is how many modals can be stacked.
const maxStack = 3

// view is the present state of a modal or a Home tab.
type view struct {
	id, user string
	hash     string
	body     object // as the app sent it
	blocks   json.RawMessage
	errors   map[string]string // by block_id, from the last submission
	notice   string            // an error that the person sees
	root     string
	previous string
	rev      uint64
}

// View is a copy of a modal or a Home tab.
type View struct {
	ID         string
	CallbackID string
	Title      string
	Blocks     json.RawMessage
	Errors     map[string]string // by block_id, from the last submission
	Notice     string            // an error that the person sees, such as no answer

	names *directory
}

// Text returns the view as a person reads it, title first.
func (v View) Text() string { return joined("\n", v.Title, v.names.renderBlocks(v.Blocks)) }

func (w *Workspace) exportView(v *view) (View, bool) {
	if v == nil {
		return View{}, false
	}
	return View{
		ID: v.id, CallbackID: v.body.str("callback_id"), Title: v.body.obj("title").str("text"), Blocks: slices.Clone(v.blocks),
		Errors: maps.Clone(v.errors), Notice: v.notice, names: w.names,
	}, true
}

// Modal returns userID's front modal, if there is one.
func (w *Workspace) Modal(userID string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.exportView(w.top(userID))
}

// Home returns userID's Home tab, if the app has published one.
func (w *Workspace) Home(userID string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.exportView(w.homes[userID])
}

func (w *Workspace) top(userID string) *view {
	stack := w.modals[userID]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// trigger lets the app open a modal for the person who acted.
type trigger struct {
	user    string
	expires time.Time
	used    bool
}

func (w *Workspace) newTrigger(userID string) string {
	id := strings.ToLower(secret())
	w.triggers[id] = &trigger{user: userID, expires: w.opts.Now().Add(w.opts.TriggerLife)}
	return id
}

func (w *Workspace) useTrigger(id string) (string, error) {
	t := w.triggers[id]
	switch {
	case t == nil:
		return "", refuse("invalid_trigger_id")
	case t.used:
		return "", refuse("exchanged_trigger_id")
	case w.opts.Now().After(t.expires):
		return "", refuse("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

// fill checks what the app sent and stores it in v.
func (w *Workspace) fill(v *view, raw, kind string) error {
	var body object
	if json.Unmarshal([]byte(raw), &body) != nil || body == nil {
		return refuse("invalid_arguments")
	}
	errs := ValidateView([]byte(raw))
	if body.str("type") != kind {
		errs = append(errs, &BlockError{Pointer: "/view/type", Reason: "must be " + kind})
	}
	if len(errs) > 0 {
		err := blocksError(errs)
		err.name = "invalid_arguments"
		w.violateLocked("views: %s", strings.Join(err.messages, "; "))
		return err
	}
	v.body = body
	v.blocks = withIDs(must(json.Marshal(body["blocks"])))
	v.hash = w.timestamp() + "." + secret()[:8]
	v.errors, v.notice = nil, ""
	v.rev = w.touch()
	w.views[v.id] = v
	return nil
}

func (w *Workspace) newView(userID string) *view {
	id := "V" + secret()[:10]
	return &view{id: id, user: userID, root: id}
}

func (w *Workspace) viewsOpen(p params) (object, error) {
	return w.pushView(p, "")
}

func (w *Workspace) viewsPush(p params) (object, error) {
	return w.pushView(p, "push")
}

func (w *Workspace) pushView(p params, how string) (object, error) {
	user, err := w.useTrigger(p["trigger_id"])
	if err != nil {
		return nil, err
	}
	if len(w.modals[user]) >= maxStack {
		return nil, refuse("push_limit_reached")
	}
	v := w.newView(user)
	if below := w.top(user); below != nil {
		if how == "" {
			return nil, refuse("view_already_open")
		}
		v.root, v.previous = below.root, below.id
	} else if how == "push" {
		return nil, refuse("not_found")
	}
	if err := w.fill(v, p["view"], "modal"); err != nil {
		return nil, err
	}
	w.modals[user] = append(w.modals[user], v)
	return object{"view": w.wireView(v)}, nil
}

func (w *Workspace) viewsUpdate(p params) (object, error) {
	v := w.views[p["view_id"]]
	for _, other := range w.views {
		if id := p["external_id"]; v == nil && id != "" && other.body.str("external_id") == id {
			v = other
		}
	}
	if v == nil || !slices.Contains(w.modals[v.user], v) && w.homes[v.user] != v {
		return nil, refuse("not_found")
	}
	if p["hash"] != "" && p["hash"] != v.hash {
		return nil, refuse("hash_conflict")
	}
	if err := w.fill(v, p["view"], v.body.str("type")); err != nil {
		return nil, err
	}
	return object{"view": w.wireView(v)}, nil
}

func (w *Workspace) viewsPublish(p params) (object, error) {
	user := p["user_id"]
	if _, ok := w.names.users[user]; !ok {
		return nil, refuse("user_not_found")
	}
	v := w.homes[user]
	if v != nil && p["hash"] != "" && p["hash"] != v.hash {
		return nil, refuse("hash_conflict")
	}
	if v == nil {
		v = w.newView(user)
	}
	if err := w.fill(v, p["view"], "home"); err != nil {
		return nil, err
	}
	w.homes[user] = v
	return object{"view": w.wireView(v)}, nil
}

// wireView returns a view in the form of the API and payloads.
func (w *Workspace) wireView(v *view) object {
	out := maps.Clone(v.body)
	blocks := v.blocks
	if blocks == nil {
		blocks = json.RawMessage("[]")
	}
	maps.Copy(out, object{
		"id": v.id, "team_id": teamID, "app_id": appID, "bot_id": botID, "hash": v.hash, "root_view_id": v.root,
		"previous_view_id": v.previous, "blocks": blocks, "state": object{"values": object{}},
	})
	return out
}
