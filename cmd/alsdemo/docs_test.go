package main

import (
	"os"
	"testing"

	"alsbot/als"
)

// The table of commands is written from the catalogue: `make generate`.
func TestCommandsAreDocumented(t *testing.T) {
	have, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != als.Markdown(als.Operations) {
		t.Error("docs/commands.md is not what the catalogue says: run `make generate`")
	}
}
