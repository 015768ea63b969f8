package runs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"alsbot/store"
)

// Migrations are the changes to stored records, oldest first; their number is
// the store's schema. A migration that has shipped stays as it is. A record
// that only gains a field needs none.
func Migrations() []store.Migration { return []store.Migration{adviceIsData} }

// adviceIsData changes nothing: this version reads the advice of earlier ones,
// which was a sentence. An earlier version can't read the advice of this one,
// so it must refuse the store.
func adviceIsData(store.Tx) error { return nil }

// Ordered names the buckets whose keys only grow.
var Ordered = []string{byTime.Name, audit.Name, outbox.Name}

// installation holds one row: the name by which nodes know this store.
var installation = store.Bucket[string]{Name: "installation"}

// Installation returns the name of this installation. It is made once and
// stays with the store. Nodes keep it beside their commands, so two stores
// never look after the same ones.
func Installation(ctx context.Context, st store.Store) (string, error) {
	var name string
	err := st.Update(ctx, func(tx store.Tx) error {
		var ok bool
		var err error
		if name, ok, err = installation.Get(tx, "name"); ok || err != nil {
			return err
		}
		name = strings.ToLower(rand.Text())
		return installation.Put(tx, "name", name)
	})
	return name, err
}

// ids are 10 characters, without those that people confuse.
var ids = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID derives a run's ID from the delivery or slot that asks for it, so the
// same delivery or slot always makes the same run.
func NewID(key string) string {
	sum := sha256.Sum256([]byte("run\x00" + key))
	return ids.EncodeToString(sum[:])[:10]
}
