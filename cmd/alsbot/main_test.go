package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhere(t *testing.T) {
	here, system := filepath.Join(t.TempDir(), "config.yaml"), filepath.Join(t.TempDir(), "config.yaml")
	if got := where(here, system); got != here {
		t.Errorf("neither is there: %s", got)
	}
	for _, add := range []string{system, here} { // the one in the working directory wins
		if err := os.WriteFile(add, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := where(here, system); got != add {
			t.Errorf("got %s, want %s", got, add)
		}
	}
}
