package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"
)

// A sleep outside a testing/synctest bubble waits for real: its test is slow
// and, on a busy machine, wrong. What a test reaches outside its bubbles does
// not sleep, the functions included that it calls.
func TestSleepsAreInBubbles(t *testing.T) {
	packages := map[string][]file{}
	for _, f := range goFiles(t) {
		if f.test {
			packages[f.pkg] = append(packages[f.pkg], f)
		}
	}
	for _, files := range packages {
		for _, where := range newAwake(files).sleeps() {
			t.Errorf("%v: time.Sleep, which is reached outside a synctest bubble too, waits for real: use a channel, a timer, or a bubble", where)
		}
	}
}

// What the check above has to tell apart.
func TestSleepsOutsideBubblesAreFound(t *testing.T) {
	for text, want := range map[string]int{
		`func TestA() { time.Sleep(1) }`:                                                                                                   1,
		`func TestA() { synctest.Test(t, func() { time.Sleep(1) }) }`:                                                                      0,
		`func TestA() { synctest.Test(t, func() { nap() }) }; func nap() { time.Sleep(1) }`:                                                0,
		`func TestA() { synctest.Test(t, nap) }; func nap() { time.Sleep(1) }`:                                                             0,
		`func TestA() { synctest.Test(t, nap); nap() }; func nap() { time.Sleep(1) }`:                                                      1,
		`func TestA() { rest() }; func rest() { nap() }; func nap() { time.Sleep(1); time.Sleep(2) }`:                                      2,
		`func TestA() { b.nap() }; func (bed) nap() { time.Sleep(1) }`:                                                                     1,
		`func TestA() { nap() }; func (bed) nap() { time.Sleep(1) }; func nap() {}`:                                                        0,
		`func TestA() { play(func() { time.Sleep(1) }) }; func play(f func()) { f() }`:                                                     1,
		`func TestA() { play(func() { time.Sleep(1) }) }; func play(f func()) { synctest.Test(t, func() { f() }) }`:                        0,
		`func TestA() { play(func() { time.Sleep(1) }) }; func play(f func()) { synctest.Test(t, f); f() }`:                                1,
		`func TestA() { play(nap) }; func nap() { time.Sleep(1) }; func play(f func()) { synctest.Test(t, f) }`:                            0,
		`var nap = func() { time.Sleep(1) }`:                                                                                               1,
		`func TestA() { for _, test := range []struct{ f func() }{{func() { time.Sleep(1) }}} { synctest.Test(t, func() { test.f() }) } }`: 0,
		`func TestA() { b.Do() }; func (bed) Do() { time.Sleep(1) }`:                                                                       0,
		`func FuzzA() { f.Fuzz(func() { time.Sleep(1) }) }`:                                                                                1,
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), "p_test.go", "package p\n"+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := newAwake([]file{{ast: tree, fset: token.NewFileSet()}}).sleeps(); len(got) != want {
			t.Errorf("%s: found %d sleeps, want %d", text, len(got), want)
		}
	}
}

// awake is what the test files of a package run outside bubbles. It goes by
// names, not by types: of two methods with one name both are reached, and none
// with an exported name, for these are often an interface's.
type awake struct {
	files     []file
	functions map[string][]function // by name, a method's with a dot before it
	bubbles   map[string]bool       // functions that run those they are given in bubbles only
}

type function struct {
	*ast.FuncDecl
	fset *token.FileSet
}

func newAwake(files []file) *awake {
	a := &awake{files, map[string][]function{}, map[string]bool{"synctest.Test": true}}
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				a.functions[declared(d)] = append(a.functions[declared(d)], function{d, f.fset})
			}
		}
	}
	for known := 0; known < len(a.bubbles); {
		known = len(a.bubbles)
		for name, all := range a.functions {
			if !slices.ContainsFunc(all, func(f function) bool { return !a.onlyInBubbles(f) }) {
				a.bubbles[name] = true
			}
		}
	}
	return a
}

func declared(d *ast.FuncDecl) string {
	if d.Recv != nil {
		return "." + d.Name.Name
	}
	return d.Name.Name
}

// onlyInBubbles says whether a function is given functions, and uses them in
// bubbles only.
func (a *awake) onlyInBubbles(f function) bool {
	var given []string
	for _, p := range f.Type.Params.List {
		if _, ok := p.Type.(*ast.FuncType); ok {
			for _, name := range p.Names {
				given = append(given, name.Name)
			}
		}
	}
	outside := len(given) == 0
	a.walk(f.Body, func(n ast.Node) {
		id, ok := n.(*ast.Ident)
		outside = outside || ok && slices.Contains(given, id.Name)
	})
	return !outside
}

// walk visits what runs outside bubbles.
func (a *awake) walk(n ast.Node, visit func(ast.Node)) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok && (a.bubbles[callName(call)] || a.bubbles[named(call.Fun)]) {
			a.walkBubble(call, visit)
			return false
		}
		if n != nil {
			visit(n)
		}
		switch n := n.(type) {
		case *ast.CompositeLit:
			a.walkTable(n, visit)
			return false
		case *ast.SelectorExpr: // its last name is no function's
			a.walk(n.X, visit)
			return false
		}
		return true
	})
}

// walkTable visits what a table has but its functions: they run where it is read.
func (a *awake) walkTable(table *ast.CompositeLit, visit func(ast.Node)) {
	for _, element := range table.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			element = pair.Value
		}
		if _, ok := element.(*ast.FuncLit); !ok {
			a.walk(element, visit)
		}
	}
}

// walkBubble visits what a call of a bubble has outside it: all but the
// functions it is given.
func (a *awake) walkBubble(call *ast.CallExpr, visit func(ast.Node)) {
	a.walk(call.Fun, visit)
	for _, arg := range call.Args {
		switch arg.(type) {
		case *ast.FuncLit, *ast.Ident, *ast.SelectorExpr:
		default:
			a.walk(arg, visit)
		}
	}
}

// named is what an expression may name in functions.
func named(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.SelectorExpr:
		if !n.Sel.IsExported() {
			return "." + n.Sel.Name
		}
	}
	return ""
}

// sleeps are the calls of time.Sleep that run outside bubbles: in variables, in
// what the go command runs, and in what these name, and so on.
func (a *awake) sleeps() (found []token.Position) {
	reached := map[string]bool{}
	var look func(fset *token.FileSet, n ast.Node)
	reach := func(name string) {
		if reached[name] {
			return
		}
		reached[name] = true
		for _, f := range a.functions[name] {
			look(f.fset, f.Body)
		}
	}
	look = func(fset *token.FileSet, n ast.Node) {
		a.walk(n, func(n ast.Node) {
			if call, ok := n.(*ast.CallExpr); ok && callName(call) == "time.Sleep" {
				found = append(found, fset.Position(call.Pos()))
			}
			reach(named(n))
		})
	}
	for _, f := range a.files {
		for _, d := range f.ast.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				look(f.fset, d)
			}
		}
	}
	for name := range a.functions {
		if entry.MatchString(name) {
			reach(name)
		}
	}
	return found
}

// entry are the functions that are run without being named.
var entry = regexp.MustCompile(`^(Test|Benchmark|Fuzz|Example)|^init$`)
