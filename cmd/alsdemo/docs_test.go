package main

import (
	"os"
	"testing"

	"alsbot/als"
	"alsbot/jobs"
)

// `make generate` writes the table of commands from the catalogue.
func TestCommandsAreDocumented(t *testing.T) {
	have, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != als.Markdown(jobs.Operations) {
		t.Error("docs/commands.md is not what the catalogue says: run `make generate`")
	}
}
