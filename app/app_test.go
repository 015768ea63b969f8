package app_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"alsbot/app"
)

func TestOwnership(t *testing.T) {
	const path = "/var/lib/als bot/alsbot.db"
	refused := fmt.Errorf("opening the store: %w", &fs.PathError{Op: "open", Path: path + ".lock", Err: fs.ErrPermission})
	for _, tt := range []struct {
		err  error
		uid  int
		want string // expected end of the text
	}{
		{refused, 0, `alsbot.db.lock: permission denied. This was run as root. If that is the bot's user, type as root: chown -R root: '/var/lib/als bot/alsbot.db'*; if not, run it as the bot's user`},
		{refused, 1 << 30, `This was run as uid 1073741824. If that is the bot's user, type as root: chown -R 1073741824: '/var/lib/als bot/alsbot.db'*; if not, run it as the bot's user`},
		{fs.ErrNotExist, 0, fs.ErrNotExist.Error()},
	} {
		got := app.Ownership(tt.err, path, tt.uid)
		if !errors.Is(got, tt.err) || !strings.HasSuffix(got.Error(), tt.want) {
			t.Errorf("%v", got)
		}
	}
	if err := app.Ownership(nil, path, 0); err != nil {
		t.Error(err)
	}
}
