package runs_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// BenchmarkVerifyAudit reads 10,000 runs of 4 kB with six entries each.
func BenchmarkVerifyAudit(b *testing.B) {
	st, err := store.OpenBolt(filepath.Join(b.TempDir(), "alsbot.db"), store.Ballast(0))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	plan := als.Plan{Operation: "patch install", Format: 1, Effect: als.Restart}
	for i := range 8 {
		plan.Steps = append(plan.Steps, als.Step{Key: fmt.Sprint("step", i), Name: "install patches", Node: "10.0.0.10", Argv: []string{"kato", "patch", "install"}})
	}
	for part := range 20 {
		if err := st.Update(b.Context(), func(tx store.Tx) error {
			for i := range 500 {
				r := runs.Run{ID: runs.NewID(fmt.Sprint(part, i)), Text: "patch install @prod", State: runs.Planned, Asked: time.Now().UTC(), Plan: &plan, Digest: plan.Digest(), Trouble: strings.Repeat("text ", 300)}
				for _, s := range plan.Steps {
					r.Steps = append(r.Steps, runs.StepRecord{Step: s})
				}
				if err := runs.Create(tx, &r); err != nil {
					return err
				}
				for range 5 {
					if err := runs.Note(tx, runs.Entry{By: r.By, Action: "approved", Run: r.ID, Detail: r.Digest}); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if v, err := runs.VerifyAudit(b.Context(), st, runs.AuditHead{}); err != nil || v.Runs != 10_000 || v.Entries != 60_000 {
			b.Fatalf("%+v, %v", v, err)
		}
	}
	if v := b.Elapsed() / time.Duration(b.N); v > 0 {
		b.ReportMetric(float64(60_000)/v.Seconds(), "entries/s")
	}
}

// BenchmarkEntriesOf looks for the oldest run of a log of 60,000 entries.
func BenchmarkEntriesOf(b *testing.B) {
	st, err := store.OpenBolt(filepath.Join(b.TempDir(), "alsbot.db"), store.Ballast(0))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	if err := st.Update(b.Context(), func(tx store.Tx) error {
		for i := range 60_000 {
			if err := runs.Note(tx, runs.Entry{Action: "asked", Run: fmt.Sprint(i), Detail: "patch install @prod"}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := st.View(b.Context(), func(tx store.Tx) error {
			list, _, err := runs.EntriesOf(tx, "0", 40)
			if len(list) != 1 {
				b.Fatalf("%+v", list)
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
}
