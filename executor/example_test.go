package executor_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"alsbot/executor"
)

// printingSink prints what a command does.
type printingSink struct{}

func (printingSink) Started() error { fmt.Println("the command has begun"); return nil }
func (printingSink) Link(err error) { fmt.Println("unreachable:", err) }
func (printingSink) Orphan()        {}

func (printingSink) Output(offset int64, p []byte) error {
	fmt.Printf("output at %d: %s", offset, p)
	return nil
}

// Run starts a durable command. Calling Run again with the same ID runs nothing
// a second time: it attaches to the command and reads its output from Offset.
func ExampleExecutor_Run() {
	t := &exampleTB{}
	defer t.cleanUp()
	node := newServer(t).listen(t).target() // an SSH server in this process
	x := executor.New(slog.New(slog.DiscardHandler))
	defer x.Close()

	command := executor.Command{ID: "run-1", Argv: []string{"/bin/echo", "it's done"}}
	exit, err := x.Run(context.Background(), node, command, printingSink{})
	fmt.Println(exit.State, exit.Status, err)

	command.Offset = exit.Size - int64(len("done\n"))
	exit, err = x.Run(context.Background(), node, command, printingSink{})
	fmt.Println(exit.State, exit.Status, err)

	// Output:
	// the command has begun
	// output at 0: it's done
	// finished 0 <nil>
	// the command has begun
	// output at 5: done
	// finished 0 <nil>
}

// exampleTB gives an example what the helpers of the tests need of a test.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTB) Helper()           {}
func (t *exampleTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
func (t *exampleTB) Cleanup(f func())  { t.cleanups = append(t.cleanups, f) }

func (t *exampleTB) TempDir() string {
	dir, err := os.MkdirTemp("", "example-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (t *exampleTB) cleanUp() {
	for _, f := range t.cleanups {
		defer f() // the last one first
	}
}
