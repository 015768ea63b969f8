package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"alsbot/store"
)

// Two buckets change in one transaction: after a crash both changes are on
// disk, or neither is.
func ExampleBucket() {
	type visit struct{ Person, Room string }
	visits, rooms := store.Bucket[visit]{Name: "visits"}, store.Bucket[int]{Name: "rooms"}

	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := store.OpenBolt(filepath.Join(dir, "example.db"), store.Ballast(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	ctx := context.Background()
	enter := func(id string, v visit) error {
		return s.Update(ctx, func(tx store.Tx) error {
			n, _, err := rooms.Get(tx, v.Room)
			if err != nil {
				return err
			}
			if n == 2 {
				return fmt.Errorf("%s can't enter: the %s is full", v.Person, v.Room)
			}
			if err := rooms.Put(tx, v.Room, n+1); err != nil {
				return err
			}
			return visits.Put(tx, id, v)
		})
	}
	for i, person := range []string{"ann", "bob", "dan"} {
		if err := enter(fmt.Sprintf("v%d", i+1), visit{person, "attic"}); err != nil {
			fmt.Println(err)
		}
	}

	err = s.View(ctx, func(tx store.Tx) error {
		return visits.Scan(tx, store.Range{Prefix: "v", Reverse: true}, func(id string, v visit) bool {
			fmt.Println(id, v.Person)
			return true
		})
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// dan can't enter: the attic is full
	// v2 bob
	// v1 ann
}
