package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// file is one Go file of the module.
type file struct {
	path    string // slash-separated, from the root
	pkg     string // its folder from the root
	test    bool
	bubbles bool // a test of its package runs in a testing/synctest bubble
	imports []string
	ast     *ast.File
	fset    *token.FileSet
	text    string
}

// goFiles parses every Go file of this module; nested modules have their own rules.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(p, d)
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parseFile(p)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bubbles := map[string]bool{}
	for _, f := range files {
		if slices.Contains(f.imports, "testing/synctest") {
			bubbles[f.pkg] = true
		}
	}
	for i := range files {
		files[i].bubbles = bubbles[files[i].pkg]
	}
	if len(files) < 20 {
		t.Fatalf("found %d Go files: the walk is broken", len(files))
	}
	return files
}

func skipDir(p string, d fs.DirEntry) error {
	if p == root {
		return nil
	}
	if name := d.Name(); strings.HasPrefix(name, ".") || name == "testdata" || name == "build" || name == "node_modules" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parseFile(p string) (file, error) {
	text, err := os.ReadFile(p)
	if err != nil {
		return file{}, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, p, text, parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	rel, err := filepath.Rel(root, p)
	rel = filepath.ToSlash(rel)
	f := file{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), ast: tree, fset: fset, text: string(text)}
	for _, imp := range tree.Imports {
		name, _ := strconv.Unquote(imp.Path.Value)
		f.imports = append(f.imports, name)
	}
	return f, err
}
