package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/runs"
	"alsbot/store"
)

// inStore changes the store of the scene while the bot is down.
func inStore(ts *testscript.TestScript, fn func(tx store.Tx) error) {
	db, err := store.OpenBolt(filepath.Join(stageOf(ts).dir, "alsbot.db"), store.Ballast(0), store.Migrations(runs.Migrations()...))
	ts.Check(err)
	err = db.Update(context.Background(), fn)
	ts.Check(db.Close())
	ts.Check(err)
}

// cmdEditRecord changes a record as somebody with the bot's files would.
func cmdEditRecord(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: edit-record BUCKET KEY OLD NEW")
	}
	inStore(ts, func(tx store.Tx) error {
		raw, err := tx.Get(args[0], args[1])
		if err != nil {
			return err
		}
		if !bytes.Contains(raw, []byte(args[2])) {
			return fmt.Errorf("%s/%s does not have %q: %s", args[0], args[1], args[2], raw)
		}
		return tx.Put(args[0], args[1], bytes.Replace(raw, []byte(args[2]), []byte(args[3]), 1))
	})
}

func cmdDropRecord(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: drop-record BUCKET KEY")
	}
	inStore(ts, func(tx store.Tx) error { return tx.Delete(args[0], args[1]) })
}
