package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Call is one call of kato, or of another command of a node.
type Call struct {
	Node string    `json:"node"` // where it ran
	Argv []string  `json:"argv"` // without "kato", but with the name of another command
	At   time.Time `json:"at"`
	PID  int       `json:"pid"`
}

// record adds a call to a ledger before the command does anything else. It
// uses one write to a file opened with O_APPEND, so simultaneous calls don't
// mix.
func record(d disk, ledger, node string, argv []string) error {
	b, err := json.Marshal(Call{Node: node, Argv: argv, At: time.Now().UTC(), PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("recording the call: %w", err)
	}
	f, err := os.OpenFile(d.path(ledger), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("recording the call: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}

// calls reads a ledger, oldest call first.
func calls(d disk, ledger string) ([]Call, error) {
	b, err := os.ReadFile(d.path(ledger))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the calls: %w", err)
	}
	var all []Call
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var c Call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("reading the calls: %w", err)
		}
		all = append(all, c)
	}
	return all, lines.Err()
}
