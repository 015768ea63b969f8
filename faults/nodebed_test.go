package faults

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"alsbot/executor"
	"alsbot/sim/node"
)

// nodeBed is a node, the oracle on it, and executors in process: for rows that
// need more trials than a whole bot could do.
type nodeBed struct {
	t      *testing.T
	dir    string
	nodes  *node.Cluster
	oracle oracle
	argv   []string
}

func newNodeBed(t *testing.T, o oracle) *nodeBed {
	t.Helper()
	f := &nodeBed{t: t, dir: tempDir(t), oracle: o}
	f.oracle.Ledger = filepath.Join(f.dir, "ledger")
	settings := filepath.Join(f.dir, "oracle.json")
	must(t, f.oracle.write(settings))
	f.argv = oracleArgv(settings)
	var err error
	f.nodes, err = node.Start(node.Options{Dir: filepath.Join(f.dir, "nodes")})
	must(t, err)
	t.Cleanup(func() { _ = f.nodes.Close() })
	return f
}

// executor returns an executor with connections of its own, as a bot has.
func (f *nodeBed) executor() *executor.Executor {
	x := executor.New(slog.New(slog.DiscardHandler))
	f.t.Cleanup(func() { _ = x.Close() })
	return x
}

// target returns the core node, dialled at addr.
func (f *nodeBed) target(addr string) executor.Target {
	return executor.Target{
		Name: "the node", Addr: addr, User: f.nodes.User, IdentityFile: f.nodes.IdentityFile, KnownHosts: f.nodes.KnownHosts,
		RunsDir: ".alsbot/runs",
	}
}

// runDir returns where the node keeps a run.
func (f *nodeBed) runDir(id string) string {
	return filepath.Join(f.nodes.Home(f.nodes.Core), ".alsbot/runs", id)
}

// memory keeps a run's output as the store does: by offset.
type memory struct {
	mu       sync.Mutex
	out      []byte
	losses   int // lost connections
	lostAt   time.Time
	backAt   time.Time
	begun    chan struct{} // closed by Started
	orphaned bool
	once     sync.Once
}

func newMemory() *memory { return &memory{begun: make(chan struct{})} }

func (m *memory) Started() error {
	m.once.Do(func() { close(m.begun) })
	return nil
}

func (m *memory) Output(offset int64, p []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if offset > int64(len(m.out)) {
		return fmt.Errorf("a hole in the output: offset %d after %d bytes", offset, len(m.out))
	}
	m.out = append(m.out[:offset], bytes.Clone(p)...)
	return nil
}

func (m *memory) Link(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.losses++
		m.lostAt = time.Now()
	} else {
		m.backAt = time.Now()
	}
}

func (m *memory) Orphan() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.orphaned = true
}

// checkExit returns an error unless a finished run is as the oracle wants it.
func (f *nodeBed) checkExit(id string, exit executor.Exit, err error, m *memory) error {
	switch {
	case err != nil:
		return fmt.Errorf("run %s: %w", id, err)
	case exit.State != executor.Finished:
		return fmt.Errorf("run %s is %s: %s", id, exit.State, exit.Why)
	}
	return f.oracle.checkOutput(id, m.out, &exit.Status)
}
