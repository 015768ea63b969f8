package workspace

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responseURL lets the app answer one command or click without a token.
type responseURL struct {
	user, channel string
	original      *message // the clicked message; nil for a command
	expires       time.Time
	uses          int
}

func (w *Workspace) newResponseURL(kind string, u *responseURL) string {
	key := kind + "-" + secret()
	u.expires = w.opts.Now().Add(responseLife)
	w.responses[key] = u
	return w.base + "/response/" + key
}

func (w *Workspace) serveResponseURL(rw http.ResponseWriter, r *http.Request) {
	trouble := w.trouble("response_url")
	if trouble != nil && !trouble.afterwards {
		trouble.answer(rw, r, w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	p, badJSON := readFields(body)
	switch {
	case err != nil:
		err = refuse("request_too_large")
	case badJSON != nil:
		err = refuse("invalid_payload")
	default:
		err = w.respond(r.PathValue("secret"), p)
	}
	problem := finish(object{}, err)
	w.record("response_url", p, problem.str("error"))
	switch {
	case trouble != nil:
		trouble.answer(rw, r, w)
	case err != nil:
		reply(rw, http.StatusNotFound, problem)
	default:
		_, _ = io.WriteString(rw, "ok")
	}
}

func (w *Workspace) respond(key string, p params) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.responses[key]
	switch {
	case u == nil:
		return refuse("no_such_url")
	case w.opts.Now().After(u.expires):
		return refuse("expired_url")
	case u.uses >= responseUses:
		return refuse("used_url")
	}
	u.uses++
	if p.yes("delete_original") {
		if u.original == nil {
			return refuse("message_not_found")
		}
		u.original.deleted = true
		u.original.rev = w.touch()
		return nil
	}
	text, blocks, err := w.content("response_url", p)
	if err != nil {
		return err
	}
	if text == "" && blocks == nil {
		return refuse("no_text")
	}
	if m := u.original; m != nil && p.yes("replace_original") {
		m.text, m.blocks = text, blocks
		m.edits++
		m.editedAt = w.timestamp()
		m.rev = w.touch()
		return nil
	}
	m := &message{channel: u.channel, user: BotUser, text: text, blocks: blocks, thread: w.parent(w.channels[u.channel], p["thread_ts"])}
	if p["response_type"] != "in_channel" {
		m.to = u.user
	}
	w.post(m)
	return nil
}

// readFields reads a JSON object and returns its fields as params. Empty text
// is an empty object.
func readFields(raw []byte) (params, error) {
	p := params{}
	if len(raw) == 0 {
		return p, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return p, err
	}
	for k, v := range fields {
		var s string
		switch {
		case string(v) == "null":
		case json.Unmarshal(v, &s) == nil:
			p[k] = s
		default:
			p[k] = string(v)
		}
	}
	return p, nil
}
