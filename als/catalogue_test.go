package als_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alsbot/als"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run the test with -update to accept):\n%s", file, diff)
	}
}

func TestHelp(t *testing.T) {
	for _, topic := range []string{"patch install", "export cluster", "patch", "stop"} {
		text, err := als.Help(als.Operations, " "+strings.ToUpper(topic)+" ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "help-"+strings.ReplaceAll(topic, " ", "-")+".txt", text)
	}
	if _, err := als.Help(als.Operations, "patch instal"); err == nil || !strings.Contains(err.Error(), "Did you mean patch install") {
		t.Errorf("help for an unknown command: %v", err)
	}
}

func TestMarkdownNamesEveryCommand(t *testing.T) {
	doc := als.Markdown(als.Operations)
	for _, op := range als.Operations {
		if !strings.Contains(doc, "| `"+als.Usage(op)+"` |") || !strings.Contains(doc, "\n### "+op.Name+"\n") {
			t.Errorf("%s is missing", op.Name)
		}
	}
}

// Every declared operation is listed, and no name is listed twice.
func TestEveryOperationIsListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	declared := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					switch {
					case name.Name == "Operations":
						for _, e := range v.Values[i].(*ast.CompositeLit).Elts {
							listed[e.(*ast.Ident).Name] = true
						}
					case strings.HasPrefix(name.Name, "op") && len(name.Name) > 2 && name.Name[2] >= 'A' && name.Name[2] <= 'Z':
						declared[name.Name] = file
					}
				}
			}
		}
	}
	if len(declared) < 20 {
		t.Fatalf("only %d operations found: the test looks in the wrong place", len(declared))
	}
	for name, file := range declared {
		if !listed[name] {
			t.Errorf("%s in %s is not on the list of operations", name, file)
		}
	}
	names := map[string]bool{}
	for _, op := range als.Operations {
		if names[op.Name] {
			t.Errorf("%s is listed twice", op.Name)
		}
		names[op.Name] = true
	}
}

// What monitoring knows of patches is out of date after these operations.
func TestOperationsSayWhatTheyChange(t *testing.T) {
	for _, op := range als.Operations {
		changesPatches := (op.Family == "patch" || op.Family == "upgrade") && op.Effect(als.Request{Operation: op.Name}) != als.Read
		if slices.Contains(op.Changes, als.SubjectPatches) != changesPatches {
			t.Errorf("%s changes %v", op.Name, op.Changes)
		}
	}
}

func TestOperationsAreWhole(t *testing.T) {
	for _, op := range als.Operations {
		if op.Name != strings.ToLower(op.Name) || op.Family == "" || op.Summary == "" || op.Example == "" || op.Effect == nil {
			t.Errorf("%s lacks name, family, summary, example or effect", op.Name)
			continue
		}
		if strings.HasSuffix(op.Summary, ".") || op.Summary[:1] != strings.ToLower(op.Summary[:1]) {
			t.Errorf("%s: summary is not lower case without a full stop: %q", op.Name, op.Summary)
		}
		if op.Builtin != (op.Plan == nil) || op.Builtin != (op.Judge == nil) {
			t.Errorf("%s: an operation has a plan and a judge, alsbot's own command has neither", op.Name)
		}
		for i, p := range op.Params {
			if p.Many && i < len(op.Params)-1 || p.Help == "" {
				t.Errorf("%s: parameter %s", op.Name, p.Name)
			}
		}
		for _, f := range op.Flags {
			if f.Name == "reason" || f.Name == "cluster" || f.Help == "" {
				t.Errorf("%s: flag %s", op.Name, f.Name)
			}
		}
	}
}
