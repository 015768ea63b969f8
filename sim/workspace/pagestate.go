package workspace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// pageEvents sends what userID sees: first everything, then the changes.
func (w *Workspace) pageEvents(rw http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if _, ok := w.names.users[user]; !ok {
		user = w.names.list[0].ID
	}
	since, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(rw)
	// Controls must be polled for their state.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last []byte
	for {
		w.mu.Lock()
		changed, rev := w.changed, w.rev
		state := w.snapshot(user, since)
		w.mu.Unlock()
		state["controls"] = w.controlStates()
		raw := must(json.Marshal(state))
		if since == 0 || rev != since || !bytes.Equal(raw, last) {
			if _, err := fmt.Fprintf(rw, "id: %d\ndata: %s\n\n", rev, raw); err != nil || flush.Flush() != nil {
				return // the page is gone
			}
		}
		since, last = rev, raw
		select {
		case <-changed:
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-w.ctx.Done():
			return
		}
	}
}

func (w *Workspace) controlStates() []object {
	out := []object{}
	for _, c := range w.opts.Controls {
		state := ""
		if c.State != nil {
			state = c.State()
		}
		out = append(out, object{"name": c.Name, "label": c.Label, "help": c.Help, "state": state})
	}
	return out
}

// snapshot returns the workspace as userID sees it, with the messages that
// changed after the revision since. The caller holds the lock.
func (w *Workspace) snapshot(userID string, since uint64) object {
	users, channels, messages := []object{}, []object{}, []object{}
	for _, u := range w.names.list {
		users = append(users, object{"id": u.ID, "name": u.Name, "realName": u.RealName, "title": u.Title})
	}
	groups := object{}
	for id, g := range w.groups {
		groups[id] = object{"handle": g.Handle, "members": append([]string{}, g.Members...)}
	}
	w.direct(userID)
	for _, id := range w.order {
		ch := w.channels[id]
		if !ch.has(userID) {
			continue
		}
		channels = append(channels, object{"id": id, "name": ch.Name, "topic": ch.Topic, "dm": ch.dm != "", "private": ch.Private, "archived": ch.Archived})
		for _, m := range ch.messages {
			if m.rev > since && (m.to == "" || m.to == userID) {
				messages = append(messages, pageMessage(m))
			}
		}
	}
	return object{
		"me": userID, "bot": BotUser, "rev": w.rev, "first": since == 0, "command": w.opts.Command, "hints": append([]string{}, w.opts.Hints...),
		"users": users, "groups": groups, "channels": channels, "messages": messages,
		"modal": pageView(w.top(userID)), "home": pageView(w.homes[userID]), "sockets": len(w.hub.sockets), "violations": len(w.violations),
	}
}

func pageMessage(m *message) object {
	files := []object{}
	for _, f := range m.files {
		files = append(files, object{"id": f.id, "name": f.name, "title": f.title, "size": len(f.content)})
	}
	return object{
		"channel": m.channel, "ts": m.ts, "thread": m.thread, "user": m.user, "to": m.to, "text": m.text, "blocks": m.blocks,
		"edits": m.edits, "files": files, "reactions": append([]string{}, m.reactions...), "broadcast": m.broadcast, "deleted": m.deleted, "rev": m.rev,
	}
}

func pageView(v *view) object {
	if v == nil {
		return nil
	}
	return object{
		"id": v.id, "hash": v.hash, "title": v.body["title"], "submit": v.body["submit"], "close": v.body["close"], "blocks": v.blocks,
		"errors": v.errors, "notice": v.notice, "rev": v.rev,
	}
}
