package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
)

// cmdCorrupt changes a byte in the middle of files and keeps their lengths.
func cmdCorrupt(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: corrupt IP GLOB")
	}
	found, err := filepath.Glob(stageOf(ts).cluster().Path(args[0], args[1]))
	ts.Check(err)
	if len(found) == 0 {
		ts.Fatalf("on %s, no %s", args[0], args[1])
	}
	for _, file := range found {
		data, err := os.ReadFile(file)
		ts.Check(err)
		data[len(data)/2] ^= 0x10
		ts.Check(os.WriteFile(file, data, 0o600))
	}
}

// cmdAgeBackup makes an archive older by moving its time in the store.
func cmdAgeBackup(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: age-backup RUN DURATION")
	}
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	db, err := store.OpenBolt(filepath.Join(stageOf(ts).dir, "alsbot.db"), store.Ballast(0), store.Migrations(runs.Migrations()...))
	ts.Check(err)
	backups := store.Bucket[runs.Backup]{Name: "backups"}
	err = db.Update(context.Background(), func(tx store.Tx) error {
		var was string
		var b runs.Backup
		if err := backups.Scan(tx, store.Range{Prefix: "prod/"}, func(key string, one runs.Backup) bool {
			if one.Run == args[0] {
				was, b = key, one
			}
			return b.Run == ""
		}); err != nil {
			return err
		}
		if b.Run == "" {
			ts.Fatalf("run %s has made no archive", args[0])
		}
		b.Begun, b.At = b.Begun.Add(-by), b.At.Add(-by)
		if err := backups.Delete(tx, was); err != nil {
			return err
		}
		return backups.Put(tx, "prod/"+b.At.UTC().Format("20060102T150405.000000000Z"), b)
	})
	ts.Check(db.Close())
	ts.Check(err)
}

func cmdWaitGone(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: wait-gone IP PATH")
	}
	st := stageOf(ts)
	file := st.cluster().Path(args[0], args[1])
	st.await(ts, "the end of "+file, func() bool {
		_, err := os.Lstat(file)
		return os.IsNotExist(err)
	})
}

func cmdExportSize(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: export-size BYTES")
	}
	size, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	ts.Check(stageOf(ts).cluster().Update(func(s *node.State) { s.ExportSize = size }))
}

func cmdWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: wait-file GLOB BYTES")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	glob := ts.MkAbs(args[0])
	seen := false
	stageOf(ts).await(ts, args[0]+" to grow", func() bool {
		found, err := filepath.Glob(glob)
		ts.Check(err)
		if len(found) == 0 {
			return seen
		}
		seen = true
		info, err := os.Stat(found[0])
		return err == nil && info.Size() >= size
	})
}
