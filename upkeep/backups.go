package upkeep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// warned holds when a cluster's channel was last told that its backup is old.
var warned = store.Bucket[time.Time]{Name: "warned"} // cluster

// sayAgain is how long alsbot waits before it warns a channel of the same thing
// again.
const sayAgain = 24 * time.Hour

// lately reports whether people were warned within a day. A warning in the
// future was given when the clock was wrong.
func lately(told, now time.Time) bool {
	return !told.After(now.Add(time.Minute)) && now.Sub(told) < sayAgain
}

// watchBackups says once a day that a cluster's last verified backup is older
// than its max_age. Where there is none, the reports of the failed exports, or
// of what was found of the last one, have said so.
func (u *Upkeep) watchBackups(ctx context.Context, now time.Time) error {
	for _, c := range u.cfg.Clusters {
		if c.Backup.MaxAge == 0 || c.Channel == "" {
			continue
		}
		err := u.st.Update(ctx, func(tx store.Tx) error {
			last, ok, err := runs.LastBackup(tx, c.Name)
			if err != nil {
				return err
			}
			told, _, err := warned.Get(tx, c.Name)
			if err != nil || !ok || now.Sub(last.At) <= c.Backup.MaxAge || lately(told, now) {
				return err
			}
			text := fmt.Sprintf("The last verified backup of @%s is %s old (limit %s): %s, taken by run %s. Type `export cluster @%s` to take one now.",
				c.Name, now.Sub(last.At).Round(time.Hour), c.Backup.MaxAge, last.Path, last.Run, c.Name)
			return errors.Join(warned.Put(tx, c.Name, now), runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: c.Name, Text: text}))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
