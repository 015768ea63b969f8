package bench_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// limitEnv makes this binary a bare server in a process of its own: "ADDRESS
// DATABASE update|rows|group".
const limitEnv = "BENCH_LIMIT"

func limitMain() {
	addr, rest, ok := strings.Cut(os.Getenv(limitEnv), " ")
	if !ok {
		return
	}
	path, kind, _ := strings.Cut(rest, " ")
	if err := serveLimit(addr, path, kind); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

var bareRuns = []byte("runs")

func openBare(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, InitialMmapSize: 1 << 30, NoStatistics: true})
	if err != nil {
		return nil, err
	}
	return db, db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucketIfNotExists(bareRuns); return err })
}

// serveLimit checks the signature, commits one bbolt transaction and answers.
func serveLimit(addr, path, kind string) error {
	db, err := openBare(path)
	if err != nil {
		return err
	}
	commit := func(key, value []byte) error {
		return db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bareRuns).Put(key, value) })
	}
	switch kind {
	case "rows":
		commit = func(key, value []byte) error {
			return db.Update(func(tx *bolt.Tx) error { return sameRows(tx, key, value) })
		}
	case "group":
		commit = newGroup(db).put
	}
	http.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /slack/commands", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprintf(mac, "v0:%s:%s", r.Header.Get("X-Slack-Request-Timestamp"), body)
		sum := mac.Sum(nil)
		got, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Slack-Signature"), "v0="))
		if err != nil || !hmac.Equal(got, sum) {
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		if err := commit(sum, body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"text":"taken"}`)
	})
	return http.ListenAndServe(addr, nil)
}

// sameRows writes the rows that alsbot writes for a command: the run, two
// indexes by time, a row that marks it open, an audit entry and an outbox row.
func sameRows(tx *bolt.Tx, key, value []byte) error {
	now := []byte(time.Now().UTC().Format("20060102T150405.000000000Z"))
	for _, row := range []struct {
		bucket     string
		key, value []byte
	}{
		{"runs", key, value}, {"time", now, key}, {"cluster", append([]byte("prod/"), now...), key}, {"active", key, []byte("planned")},
		{"audit", now, value[:350]}, {"outbox", now, value[:150]},
	} {
		b, err := tx.CreateBucketIfNotExists([]byte(row.bucket))
		if err == nil {
			err = b.Put(row.key, row.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// group is the smallest server that commits everything queued together.
type group struct {
	db    *bolt.DB
	mu    sync.Mutex
	queue []*write
	wake  chan struct{}
}

type write struct {
	key, value []byte
	done       chan error
}

func newGroup(db *bolt.DB) *group {
	g := &group{db: db, wake: make(chan struct{}, 1)}
	go func() {
		for range g.wake {
			g.mu.Lock()
			all := g.queue
			g.queue = nil
			g.mu.Unlock()
			err := g.db.Update(func(tx *bolt.Tx) error {
				for _, w := range all {
					if err := tx.Bucket(bareRuns).Put(w.key, w.value); err != nil {
						return err
					}
				}
				return nil
			})
			for _, w := range all {
				w.done <- err
			}
		}
	}()
	return g
}

func (g *group) put(key, value []byte) error {
	w := &write{key, value, make(chan error, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, w)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return <-w.done
}

// limitServer starts a bare server and returns its address.
func limitServer(b *testing.B, kind string) string {
	b.Helper()
	self, err := os.Executable()
	must(b, err)
	addr := freeAddr(b)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), limitEnv+"="+addr+" "+filepath.Join(b.TempDir(), "limit.db")+" "+kind)
	h := &house{b: b}
	h.launch(cmd, "http://"+addr+"/readyz")
	b.Cleanup(func() { end(cmd, h.gone) })
	return addr
}
