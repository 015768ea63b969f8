package runs

import (
	"time"

	"alsbot/store"
)

// Schedule is what the store knows of a schedule of the config.
type Schedule struct {
	Name   string    `json:"name"`
	Line   string    `json:"line"` // cron line and zone; a new one starts over
	Last   time.Time `json:"last"` // every slot up to this time is on the ledger
	Paused *Decision `json:"paused,omitempty"`
	Run    string    `json:"run,omitempty"`  // the last run
	Gone   bool      `json:"gone,omitempty"` // the config no longer has it
}

// Outcome is what happened at a scheduled time.
type Outcome string

// The outcomes of a slot.
const (
	SlotRan     Outcome = "ran"
	SlotSkipped Outcome = "skipped" // paused, or the last run was still active
	SlotMissed  Outcome = "missed"  // alsbot was down or late
)

// Slot is one row of the slot ledger: the outcome of one scheduled time.
type Slot struct {
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	Run     string    `json:"run,omitempty"`
	Why     string    `json:"why,omitempty"`
	More    int       `json:"more,omitempty"` // earlier slots with the same outcome and no row of their own
}

// The buckets of schedules. The scheduler is their only writer.
var (
	Schedules = store.Bucket[Schedule]{Name: "schedules"} // name
	slots     = store.Bucket[Slot]{Name: "slots"}         // name/time
)

// PutSlot writes the row of one scheduled time.
func PutSlot(tx store.Tx, schedule string, s Slot) error {
	return slots.Put(tx, schedule+"/"+TimeKey(s.At), s)
}

// LastSlot returns the newest row of a schedule; ok is false if there is none.
func LastSlot(tx store.Tx, schedule string) (s Slot, ok bool, err error) {
	err = slots.Scan(tx, store.Range{Prefix: schedule + "/", Reverse: true}, func(_ string, row Slot) bool {
		s, ok = row, true
		return false
	})
	return s, ok, err
}

// ForgetSlots removes all but the newest keep rows of a schedule, at most most
// at once.
func ForgetSlots(tx store.Tx, schedule string, keep, most int) error {
	var old []string
	n := 0
	if err := tx.Scan(slots.Name, schedule+"/", "", true, func(key string, _ []byte) bool {
		if n++; n > keep {
			old = append(old, key)
		}
		return len(old) < most
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := slots.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}
