package app

import (
	"errors"
	"net/http"
)

// watch answers monitoring requests over the socket.
func (ad *admin) watch(w http.ResponseWriter, r *http.Request) {
	seen, err := ad.app.engine.Watched(r.Context(), r.URL.Query().Get("cluster"))
	if bad := errors.Join(ad.app.store.Ready(), ad.app.bot.Ready()); bad != nil {
		seen.NotReady = bad.Error()
	}
	reply(w, seen, err)
}
