package runs

import (
	"time"

	"alsbot/store"
)

// queue holds who may change a cluster, in order. One run at a time changes a
// cluster; the queue is in the store, so its order survives a restart.
var queue = store.Bucket[string]{Name: "line"} // cluster/time/ID → ID

func queueKey(r *Run) string { return r.Request.Cluster + "/" + TimeKey(r.Queued) + "/" + r.ID }

// Enqueue puts a run at the end of its cluster's queue.
func Enqueue(tx store.Tx, r *Run) error {
	r.Queued = time.Now().UTC().Round(0)
	return queue.Put(tx, queueKey(r), r.ID)
}

// EnqueueAt puts a run into its cluster's queue at the place that it had when
// it joined at a time.
func EnqueueAt(tx store.Tx, r *Run, joined time.Time) error {
	r.Queued = joined
	return queue.Put(tx, queueKey(r), r.ID)
}

// Dequeue takes a run out of its cluster's queue, if it is in it.
func Dequeue(tx store.Tx, r *Run) error {
	if r.Queued.IsZero() {
		return nil
	}
	return queue.Delete(tx, queueKey(r))
}

// Enqueued reports whether a run is in its cluster's queue.
func Enqueued(tx store.Tx, r *Run) (bool, error) {
	id, ok, err := queue.Get(tx, queueKey(r))
	return ok && id == r.ID, err
}

// Queue lists the runs in a cluster's queue, first the one whose turn it is.
func Queue(tx store.Tx, cluster string) (ids []string, err error) {
	err = queue.Scan(tx, store.Range{Prefix: cluster + "/"}, func(_, id string) bool {
		ids = append(ids, id)
		return true
	})
	return ids, err
}

// TryAcquire reports whether a run is first in its cluster's queue and no other
// run in it is running or lost. The second condition also holds after a clock
// was set back.
func TryAcquire(tx store.Tx, r *Run) (bool, error) {
	ids, err := Queue(tx, r.Request.Cluster)
	if err != nil || len(ids) == 0 || ids[0] != r.ID {
		return false, err
	}
	holder, err := Holder(tx, r.Request.Cluster, r.ID)
	return holder == "" && err == nil, err
}

// Holder returns the run in a cluster's queue, other than except, that is at
// work on the cluster now, or may be because it is lost; "" if none.
func Holder(tx store.Tx, cluster, except string) (id string, err error) {
	ids, err := Queue(tx, cluster)
	if err != nil {
		return "", err
	}
	for _, other := range ids {
		r, ok, err := records.Get(tx, other)
		if err != nil {
			return "", err
		}
		if ok && (r.State == Running || r.State == Lost) && r.ID != except {
			id = r.ID
		}
	}
	return id, nil
}

// LostRuns returns the lost runs in a cluster's queue, where they stay until a
// person acknowledges them.
func LostRuns(tx store.Tx, cluster string) (lost []string, err error) {
	ids, err := Queue(tx, cluster)
	for _, id := range ids {
		r, _, bad := records.Get(tx, id)
		if err == nil {
			err = bad
		}
		if r.State == Lost {
			lost = append(lost, id)
		}
	}
	return lost, err
}
