package alsbot

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest   = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")
	namedFault  = regexp.MustCompile(`\bF\d{2}b?\b`)
	namedScript = regexp.MustCompile("`(testdata/[a-z0-9_]+\\.txtar)`")
	threatRow   = regexp.MustCompile(`(?m)^\| T(\d+) \|.*$`)
)

// Every test, fault and script that docs/security.md names exists, and each of
// its threats has one.
func TestSecurityDocument(t *testing.T) {
	doc := read(t, "docs/security.md")
	tests := map[string]string{} // the tests of a package, as source
	for _, m := range namedTest.FindAllStringSubmatch(doc, -1) {
		dir, name := m[1], m[2]
		if _, ok := tests[dir]; !ok {
			tests[dir] = sourceOfTests(t, dir)
		}
		if !strings.Contains(tests[dir], "\nfunc "+name+"(") {
			t.Errorf("package %s has no %s", dir, name)
		}
	}
	faults := read(t, "faults/list_test.go")
	for _, id := range namedFault.FindAllString(doc, -1) {
		if !strings.Contains(faults, fmt.Sprintf("{id: %q", id)) {
			t.Errorf("the fault list has no %s", id)
		}
	}
	for _, m := range namedScript.FindAllStringSubmatch(doc, -1) {
		read(t, m[1])
	}
	rows := threatRow.FindAllStringSubmatch(doc, -1)
	for i, row := range rows {
		if row[1] != fmt.Sprint(i+1) {
			t.Errorf("row %d is T%s", i+1, row[1])
		}
		if !namedTest.MatchString(row[0]) && !namedFault.MatchString(row[0]) && !namedScript.MatchString(row[0]) {
			t.Errorf("T%s names no test", row[1])
		}
	}
	if len(rows) != 30 {
		t.Errorf("%d threats, not 30", len(rows))
	}
}

func sourceOfTests(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			all.WriteString(read(t, path.Join(dir, e.Name())))
		}
	}
	return all.String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
