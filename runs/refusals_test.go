package runs_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// inTime runs a ledger on an empty store in simulated time.
func inTime(t *testing.T, fn func(t *testing.T, st store.Store, l *runs.Ledger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		fn(t, st, runs.NewLedger(st))
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// details lists the entries of the audit log, oldest first.
func details(t *testing.T, st store.Store) (list []string) {
	t.Helper()
	if err := st.View(t.Context(), func(tx store.Tx) error {
		list = nil
		return runs.EachEntry(tx, func(en runs.Entry) bool {
			list = append([]string{en.By.ID + " " + en.Action + " " + en.Detail}, list...)
			return true
		})
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

func person(id string) runs.Principal { return runs.Principal{Source: runs.FromSlack, ID: id} }

// The same refusal again shares the entry, whatever the person is called now.
// When ten minutes are over, one more entry counts the rest.
func TestRefusalsFold(t *testing.T) {
	inTime(t, func(t *testing.T, st store.Store, l *runs.Ledger) {
		refuse := func(by, what string) {
			t.Helper()
			p := person(by)
			p.Handle = fmt.Sprint(time.Now().UnixNano())
			if err := l.Refused(t.Context(), runs.Refusal{By: p, Cluster: "prod", What: what, Why: "not an operator"}); err != nil {
				t.Fatal(err)
			}
		}
		for range 500 {
			refuse("U0DAN", "restart")
			time.Sleep(time.Second / 2)
		}
		refuse("U0EVE", "restart")
		if got := details(t, st); len(got) != 2 || got[0] != "U0DAN refused restart: not an operator" {
			t.Fatalf("within the window: %q", got)
		}
		flush := func(all bool) {
			t.Helper()
			if err := l.FlushRefusals(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		}
		flush(false)
		if got := details(t, st); len(got) != 2 {
			t.Fatalf("the window is still open: %q", got)
		}
		time.Sleep(10 * time.Minute)
		flush(false)
		if got := details(t, st); len(got) != 3 || !strings.HasPrefix(got[2], "U0DAN refused 499 more times until ") || !strings.HasSuffix(got[2], "UTC: restart: not an operator") {
			t.Fatalf("when it is over: %q", got)
		}
		refuse("U0DAN", "restart")
		refuse("U0DAN", "restart")
		flush(true)
		if got := details(t, st); len(got) != 5 || !strings.HasPrefix(got[4], "U0DAN refused once more until ") {
			t.Fatalf("the next window, at a stop: %q", got)
		}
		flush(true)
		if _, err := runs.VerifyAudit(t.Context(), st, runs.AuditHead{}); err != nil || len(details(t, st)) != 5 {
			t.Errorf("%q, %v", details(t, st), err)
		}
	})
}

// A flood from one person with ever other words, or from many people, does not
// grow the log beyond its bounds, and is counted.
func TestAFloodOfRefusalsIsBounded(t *testing.T) {
	inTime(t, func(t *testing.T, st store.Store, l *runs.Ledger) {
		refuse := func(by string, i int) {
			t.Helper()
			if err := l.Refused(t.Context(), runs.Refusal{By: person(by), What: fmt.Sprintf("patch install p%d %s", i, strings.Repeat("x", 5000)), Why: "no"}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3000 {
			refuse("U0DAN", i)
		}
		if got := details(t, st); len(got) != 10 || len(got[0]) > 1000 {
			t.Fatalf("one person made %d entries: %.1500q", len(got), got)
		}
		for i := range 3000 {
			refuse(fmt.Sprintf("U%04d", i), i)
		}
		if n := len(details(t, st)); n != 100 {
			t.Fatalf("many people made %d entries", n)
		}
		if err := l.FlushRefusals(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		got := details(t, st)
		if len(got) != 201 || !strings.Contains(strings.Join(got, "\n"), "U0DAN refused other commands or presses, 2990 more times until") {
			t.Errorf("%d entries at the end: %q", len(got), got[100:])
		}
		if last := got[len(got)-1]; !strings.Contains(last, "alsbot refused commands or presses of other people, 2811 more times until") {
			t.Errorf("the last entry: %s", last)
		}
	})
}

// Every window begins with an entry of its own.
func TestEveryWindowOfRefusalsHasAnEntry(t *testing.T) {
	inTime(t, func(t *testing.T, st store.Store, l *runs.Ledger) {
		for range 3 {
			if err := l.Refused(t.Context(), runs.Refusal{By: person("U0DAN"), What: "restart", Why: "no"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(11 * time.Minute)
		}
		if got := details(t, st); len(got) != 3 {
			t.Errorf("three windows: %q", got)
		}
	})
}
