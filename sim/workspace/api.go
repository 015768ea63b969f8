package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody limits a request, in bytes; it is more than a bot needs.
const maxBody = 8 << 20

// apiError is a refusal, under Slack's name for it.
type apiError struct {
	name     string
	messages []string // response_metadata.messages
	needed   string   // the missing scope
	provided string   // the granted scopes
}

func (e *apiError) Error() string { return e.name }

func refuse(name string) error { return &apiError{name: name} }

// params holds a request's arguments, from a form, the query or JSON. A JSON
// argument that isn't a string stays JSON text.
type params map[string]string

func (p params) has(name string) bool { _, ok := p[name]; return ok }
func (p params) yes(name string) bool { return p[name] == "true" || p[name] == "1" }

// Call is one call of the Web API that reached the workspace.
type Call struct {
	Method string
	Params map[string]string // without the token
	At     time.Time
	Error  string // Slack's name of the refusal; "" if the call succeeded
}

// Calls counts the calls of a method, including refused ones. An empty method
// counts all calls.
func (w *Workspace) Calls(method string) int {
	n := 0
	for _, c := range w.Record() {
		if method == "" || c.Method == method {
			n++
		}
	}
	return n
}

// Record returns every call in the order of their answers.
func (w *Workspace) Record() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

type method struct {
	scope    string
	appToken bool // requires the app-level token, not the bot's
	do       func(*Workspace, params) (object, error)
}

func methods() map[string]method {
	return map[string]method{
		"api.test":                     {do: func(*Workspace, params) (object, error) { return object{}, nil }},
		"auth.test":                    {do: (*Workspace).authTest},
		"apps.connections.open":        {appToken: true, do: (*Workspace).connectionsOpen},
		"blocks.validate":              {do: (*Workspace).blocksValidate},
		"chat.postMessage":             {scope: "chat:write", do: (*Workspace).chatPost},
		"chat.postEphemeral":           {scope: "chat:write", do: (*Workspace).chatPostEphemeral},
		"chat.update":                  {scope: "chat:write", do: (*Workspace).chatUpdate},
		"chat.delete":                  {scope: "chat:write", do: (*Workspace).chatDelete},
		"chat.getPermalink":            {do: (*Workspace).chatPermalink},
		"conversations.info":           {scope: "channels:read", do: (*Workspace).conversationsInfo},
		"conversations.list":           {scope: "channels:read", do: (*Workspace).conversationsList},
		"conversations.members":        {scope: "channels:read", do: (*Workspace).conversationsMembers},
		"conversations.open":           {scope: "im:write", do: (*Workspace).conversationsOpen},
		"conversations.join":           {scope: "channels:join", do: (*Workspace).conversationsJoin},
		"files.getUploadURLExternal":   {scope: "files:write", do: (*Workspace).filesUploadURL},
		"files.completeUploadExternal": {scope: "files:write", do: (*Workspace).filesComplete},
		"reactions.add":                {scope: "reactions:write", do: (*Workspace).reactionsAdd},
		"usergroups.list":              {scope: "usergroups:read", do: (*Workspace).usergroupsList},
		"usergroups.users.list":        {scope: "usergroups:read", do: (*Workspace).usergroupsUsers},
		"users.info":                   {scope: "users:read", do: (*Workspace).usersInfo},
		"users.list":                   {scope: "users:read", do: (*Workspace).usersList},
		"views.open":                   {do: (*Workspace).viewsOpen},
		"views.push":                   {do: (*Workspace).viewsPush},
		"views.update":                 {do: (*Workspace).viewsUpdate},
		"views.publish":                {do: (*Workspace).viewsPublish},
	}
}

func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, "request too large", http.StatusRequestEntityTooLarge)
		return
	}
	trouble := w.trouble(name)
	if trouble != nil && !trouble.afterwards {
		w.record(name, nil, trouble.name)
		trouble.answer(rw, r, w)
		return
	}
	p, err := readParams(r, body)
	token := bearer(r, p)
	delete(p, "token")
	var answer object
	if err == nil {
		answer, err = w.call(name, token, p)
	}
	answer = finish(answer, err)
	w.record(name, p, answer.str("error"))
	if trouble != nil {
		trouble.answer(rw, r, w)
		return
	}
	rw.Header().Set("X-OAuth-Scopes", strings.Join(w.opts.Scopes, ","))
	reply(rw, http.StatusOK, answer)
}

func (w *Workspace) call(name, token string, p params) (object, error) {
	m, ok := methods()[name]
	if !ok {
		return nil, refuse("unknown_method")
	}
	if err := w.authorize(m, token); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return m.do(w, p)
}

func (w *Workspace) authorize(m method, token string) error {
	switch {
	case token == "":
		return refuse("not_authed")
	case m.appToken && token == w.opts.AppToken:
		return nil
	case token == w.opts.BotToken && m.appToken, token == w.opts.AppToken:
		return refuse("not_allowed_token_type")
	case token != w.opts.BotToken:
		return refuse("invalid_auth")
	case m.scope != "" && !slices.Contains(w.opts.Scopes, m.scope):
		return &apiError{name: "missing_scope", needed: m.scope, provided: strings.Join(w.opts.Scopes, ",")}
	}
	return nil
}

func (w *Workspace) record(name string, p params, problem string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, Call{Method: name, Params: p, At: w.opts.Now(), Error: problem})
	w.touch()
}

// finish builds Slack's envelope from an answer or a refusal.
func finish(answer object, err error) object {
	if err == nil {
		answer["ok"] = true
		return answer
	}
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{name: "internal_error", messages: []string{err.Error()}}
	}
	out := object{"ok": false, "error": e.name}
	if e.messages != nil {
		out["response_metadata"] = object{"messages": e.messages}
		out["errors"] = e.messages
	}
	if e.needed != "" {
		out["needed"], out["provided"] = e.needed, e.provided
	}
	return out
}

func reply(rw http.ResponseWriter, status int, answer any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(answer) // an error means that the client is gone
}

func bearer(r *http.Request, p params) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return p["token"]
}

func readParams(r *http.Request, body []byte) (params, error) {
	p := params{}
	take := func(values url.Values) {
		for k, v := range values {
			p[k] = v[0]
		}
	}
	take(r.URL.Query())
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(bytes.TrimSpace(body)) == 0 {
		return p, nil
	}
	if kind != "application/json" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return p, refuse("invalid_form_data")
		}
		take(values)
		return p, nil
	}
	fields, err := readFields(body)
	if err != nil {
		return p, refuse("invalid_json")
	}
	maps.Copy(p, fields)
	return p, nil
}
