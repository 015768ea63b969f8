package jobs_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// The file of a run comes as it was made or not at all, and goes from its node
// only as it was made.
func TestFileOfARun(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	r := h.Until(h.Run("U0ANN", "report"), runs.Succeeded)
	if r.Verdict.File == nil {
		t.Fatalf("no file: %+v", r.Verdict)
	}
	file := h.Cluster.Path(h.Cluster.Core, "/tmp/stackato-report.tgz")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := h.Engine.WriteFile(t.Context(), r.ID, &got); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Fatalf("%d of %d bytes came: %v", got.Len(), len(want), err)
	}
	asked := 0
	h.Eventually("outbox", "the row that asks for it to be told", func(tx store.Tx) (bool, error) {
		err := store.Bucket[runs.Outgoing]{Name: "outbox"}.Scan(tx, store.Range{}, func(_ string, row runs.Outgoing) bool {
			if row.Kind == runs.TellFile && row.Run == r.ID {
				asked++
			}
			return true
		})
		return asked == 1, err
	})

	other := bytes.Clone(want)
	other[len(other)/2] ^= 1
	for _, data := range [][]byte{other, want[:len(want)-1], append(bytes.Clone(want), 'x'), nil} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var missing *jobs.NotThereError
		if err := h.Engine.WriteFile(t.Context(), r.ID, &got); !errors.As(err, &missing) {
			t.Errorf("another file came, of %d bytes: %v", len(data), err)
		}
		h.Engine.Delivered(t.Context(), r.ID)
		if _, err := os.Stat(file); err != nil {
			t.Errorf("another file was removed: %v", err)
		}
	}
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	h.Engine.Delivered(t.Context(), r.ID)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it was not removed: %v", err)
	}
	h.Engine.Delivered(t.Context(), r.ID) // once more is no harm
	if none := h.Until(h.Run("U0DAN", "version"), runs.Succeeded); h.Engine.WriteFile(t.Context(), none.ID, &got) == nil {
		t.Error("a run without a file has one")
	}
}
