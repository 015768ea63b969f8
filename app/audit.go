package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"alsbot/runs"
	"alsbot/store"
)

// LocalUser is whoever runs this program on the alsbot host.
func LocalUser() runs.Principal {
	return runs.Principal{Source: runs.FromLocal, ID: userName(os.Getuid())}
}

// noteStart has the audit log know of a start, and of the config by its
// digest. A store that takes no more keeps alsbot from no work in progress.
func (a *App) noteStart(ctx context.Context) {
	digest, err := a.cfg.Digest()
	if err == nil {
		err = a.note(ctx, runs.Entry{By: runs.System, Action: "started", Detail: fmt.Sprintf("version %s, config sha256 %s", Version(), digest)})
	}
	if err != nil && ctx.Err() == nil {
		a.log.Error("noting the start in the audit log", "error", err)
	}
}

// noteStop has the audit log know of a stop, and of refusals that were not
// counted there yet.
func (a *App) noteStop(why error) {
	ctx := context.Background()
	detail := "told to stop"
	if why != nil {
		detail = "after an error: " + why.Error()
	}
	err := errors.Join(
		a.ledger.FlushRefusals(ctx, true),
		a.note(ctx, runs.Entry{By: runs.System, Action: "stopped", Detail: detail}),
	)
	if err != nil {
		a.log.Error("noting the stop in the audit log", "error", err)
	}
}

func (a *App) note(ctx context.Context, en runs.Entry) error { return NoteIn(ctx, a.store, en) }

// NoteIn appends an entry to the audit log of a store.
func NoteIn(ctx context.Context, st store.Store, en runs.Entry) error {
	return st.Update(ctx, func(tx store.Tx) error { return runs.Note(tx, en) })
}

// SnapshotEntry is the entry of a snapshot. It is in the snapshot too.
func SnapshotEntry(by runs.Principal, file string) runs.Entry {
	return runs.Entry{By: by, Action: "snapshot", Detail: file}
}

// Trusted are host keys that a person adds to known_hosts.
type Trusted struct {
	Cluster string
	File    string
	Keys    []string // address, type and fingerprint of each
	Failed  string   // why they could not be added after all
}

// Entry is the entry of trusted keys.
func (t Trusted) Entry(by runs.Principal) runs.Entry {
	en := runs.Entry{By: by, Action: "trusted", Cluster: t.Cluster, Detail: fmt.Sprintf("into %s: %s", t.File, strings.Join(t.Keys, ", "))}
	if t.Failed != "" {
		en.Action, en.Detail = "not trusted", t.Failed+": "+en.Detail
	}
	return en
}

// auditRoutes answers the command line about the audit log.
func (ad *admin) auditRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /audit", func(w http.ResponseWriter, r *http.Request) {
		var head runs.AuditHead
		if text := r.URL.Query().Get("head"); text != "" {
			var err error
			if head, err = runs.ParseHead(text); err != nil {
				say(w, http.StatusBadRequest, err.Error()+"\n")
				return
			}
		}
		found, err := VerifyAudit(r.Context(), ad.app.cfg, ad.app.store, head)
		reply(w, found, err)
	})
	mux.HandleFunc("GET /audit/export", func(w http.ResponseWriter, r *http.Request) {
		if err := runs.ExportAudit(r.Context(), ad.app.store, w); err != nil {
			ad.app.log.Error("sending the audit log to the command line", "error", err)
			panic(http.ErrAbortHandler) // a part must not look whole
		}
	})
	mux.HandleFunc("POST /audit/trusted", func(w http.ResponseWriter, r *http.Request) {
		var t Trusted
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&t); err != nil {
			say(w, http.StatusBadRequest, "reading the request: "+err.Error()+"\n")
			return
		}
		reply(w, true, ad.app.note(r.Context(), t.Entry(peer(r))))
	})
}

// snapshot sends a copy of the store. One that cannot be noted, as on a full
// disk, is sent all the same.
func (ad *admin) snapshot(w http.ResponseWriter, r *http.Request) {
	if err := ad.app.note(r.Context(), SnapshotEntry(peer(r), r.URL.Query().Get("file"))); err != nil {
		ad.app.log.Error("noting a snapshot in the audit log", "error", err)
	}
	if err := ad.app.store.Snapshot(r.Context(), w); err != nil {
		ad.app.log.Error("sending a snapshot to the command line", "error", err)
		panic(http.ErrAbortHandler)
	}
}
