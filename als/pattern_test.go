package als

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A pattern that can't be compiled would panic only at its first use.
func TestPatternsCompile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("mustCompile\\(`([^`]+)`\\)").FindAllSubmatch(text, -1) {
			found++
			if _, err := regexp.Compile(string(m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d patterns found", found)
	}
}
