package tidy

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string]string{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		docs[f.pkg] += "" // seen
		if path.Base(f.path) == "doc.go" && f.ast.Doc != nil {
			docs[f.pkg] = f.ast.Doc.Text()
		}
	}
	for pkg, doc := range docs {
		if len(doc) < 80 {
			t.Errorf("%s: no doc.go with a package comment that says what it is", pkg)
		}
	}
}

// bannedPackages are names that hide which noun a package is.
var bannedPackages = []string{"util", "utils", "helper", "helpers", "common", "manager", "misc", "base", "shared", "lib", "types"}

func TestNoVaguePackageNames(t *testing.T) {
	for _, f := range goFiles(t) {
		if slices.Contains(bannedPackages, f.ast.Name.Name) {
			t.Errorf("%s: package name %q says nothing; name the noun", f.path, f.ast.Name.Name)
		}
	}
}

// bannedCalls are calls with a better way, outside the places that may use them.
var bannedCalls = []struct {
	call    string
	allowed func(f file) bool
	instead string
}{
	{"time.Sleep", func(f file) bool { return f.test && f.bubbles }, "a channel, a timer, or a synctest bubble"},
	{"fmt.Print", inCommand, "return the text or write to an io.Writer"},
	{"fmt.Println", inCommand, "return the text or write to an io.Writer"},
	{"fmt.Printf", inCommand, "return the text or write to an io.Writer"},
	{"os.Exit", func(f file) bool { return inCommand(f) || f.test }, "return an error"},
	{"log.Fatal", func(file) bool { return false }, "return an error"},
	{"log.Printf", func(file) bool { return false }, "log/slog"},
}

func inCommand(f file) bool {
	return strings.HasPrefix(f.pkg, "cmd/") || f.test // tests speak to their parent process
}

func TestNoBannedCalls(t *testing.T) {
	for _, f := range goFiles(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := callName(call)
			for _, b := range bannedCalls {
				if name == b.call && !b.allowed(f) {
					t.Errorf("%s: %s is banned here, use %s", f.fset.Position(call.Pos()), b.call, b.instead)
				}
			}
			return true
		})
	}
}

func callName(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s.%s", id.Name, sel.Sel.Name)
}

var todo = regexp.MustCompile(`(?i)\b(TODO|FIXME|XXX)\b`)

func TestNoTodoWithoutIssue(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.pkg == "internal/tidy" {
			continue
		}
		for _, group := range f.ast.Comments {
			if todo.MatchString(group.Text()) && !strings.Contains(group.Text(), "#") {
				t.Errorf("%s: a to-do without an issue number is forgotten work", f.fset.Position(group.Pos()))
			}
		}
	}
}

// Direct dependencies are justified in one line each.
func TestDependenciesAreJustified(t *testing.T) {
	mod := readText(t, "go.mod")
	doc := readText(t, "docs/DEPENDENCIES.md")
	direct := regexp.MustCompile(`(?m)^\t([^\s]+) v[^\s]+$`)
	found := direct.FindAllStringSubmatch(mod, -1)
	if len(found) == 0 {
		t.Fatal("go.mod: no direct dependency found; the pattern is broken")
	}
	for _, m := range found {
		if !strings.Contains(doc, "`"+m[1]+"`") {
			t.Errorf("docs/DEPENDENCIES.md: no line for %s", m[1])
		}
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
