package workspace

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// upload is an announced file: its name and its length in bytes.
type upload struct {
	file   *file
	length int
}

type file struct {
	id, name, title string
	content         []byte
	arrived, shared bool
}

func (w *Workspace) filesUploadURL(p params) (object, error) {
	length, err := strconv.Atoi(p["length"])
	if p["filename"] == "" || err != nil || length <= 0 {
		return nil, refuse("invalid_arguments")
	}
	f := &file{id: "F" + secret()[:10], name: p["filename"], title: p["filename"]}
	key := secret()
	w.uploads[key] = &upload{file: f, length: length}
	w.files[f.id] = f
	base := w.base
	if w.badUpload {
		base = "http://files.elsewhere.invalid"
	}
	return object{"upload_url": base + "/upload/v1/" + key, "file_id": f.id}, nil
}

// serveUpload receives the bytes, bare or as the only file of a form. It
// refuses a file whose length differs from the announced one.
func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	trouble := w.trouble("upload")
	if trouble != nil && !trouble.afterwards {
		trouble.answer(rw, r, w)
		return
	}
	content, err := uploaded(http.MaxBytesReader(rw, r.Body, 64<<20), r.Header.Get("Content-Type"))
	w.mu.Lock()
	u := w.uploads[r.PathValue("secret")]
	ok := err == nil && u != nil && len(content) == u.length
	if ok {
		u.file.content, u.file.arrived = content, true
	}
	w.mu.Unlock()
	switch {
	case !ok:
		http.Error(rw, "the upload is unknown or has another length than was announced", http.StatusBadRequest)
	case trouble != nil:
		trouble.answer(rw, r, w)
	default:
		_, _ = io.WriteString(rw, "OK - "+strconv.Itoa(len(content)))
	}
}

func uploaded(body io.Reader, contentType string) ([]byte, error) {
	kind, attributes, _ := mime.ParseMediaType(contentType)
	if kind != "multipart/form-data" {
		return io.ReadAll(body)
	}
	return firstFile(body, attributes["boundary"])
}

func (w *Workspace) filesComplete(p params) (object, error) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal([]byte(p["files"]), &wanted) != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments")
	}
	var files []*file
	out := []object{}
	for _, want := range wanted {
		f := w.files[want.ID]
		if f == nil || !f.arrived || f.shared {
			return nil, refuse("file_not_found")
		}
		if want.Title != "" {
			f.title = want.Title
		}
		files = append(files, f)
		out = append(out, object{"id": f.id, "title": f.title})
	}
	ids := slices.DeleteFunc(append(strings.Split(p["channels"], ","), p["channel_id"]), func(id string) bool { return id == "" })
	var targets []*channel
	for _, id := range ids {
		ch, err := w.target(id)
		if err != nil {
			return nil, err
		}
		targets = append(targets, ch)
	}
	text, blocks, err := w.content("files.completeUploadExternal", params{"text": p["initial_comment"], "blocks": p["blocks"]})
	if err != nil {
		return nil, err
	}
	for _, ch := range targets {
		w.post(&message{channel: ch.ID, user: BotUser, thread: w.parent(ch, p["thread_ts"]), text: text, blocks: blocks, files: files})
	}
	for _, f := range files {
		f.shared = true
	}
	return object{"files": out}, nil
}

// serveFile implements url_private, which requires the token.
func (w *Workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	if w.opts.BotToken == "" || r.Header.Get("Authorization") != "Bearer "+w.opts.BotToken {
		http.Error(rw, "not authorised", http.StatusForbidden)
		return
	}
	w.mu.Lock()
	f := w.files[r.PathValue("id")]
	w.mu.Unlock()
	if f == nil || !f.shared {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "application/octet-stream")
	_, _ = rw.Write(f.content)
}

func firstFile(body io.Reader, boundary string) ([]byte, error) {
	r := multipart.NewReader(body, boundary)
	for {
		part, err := r.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}
