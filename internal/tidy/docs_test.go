package tidy

import (
	"fmt"
	"go/ast"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Documents name what exists: tests, make targets, files and flags. A name that
// was changed is still read for years, and sends readers to nothing.
func TestDocsNameWhatExists(t *testing.T) {
	have := existing(t)
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(documents) < 10 {
		t.Fatalf("found %d documents (%v): the pattern is broken", len(documents), err)
	}
	named := 0
	for _, p := range append(documents, filepath.Join(root, "README.md")) {
		rel, err := filepath.Rel(root, p)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.ToSlash(rel)
		n, missing := have.check(name, readText(t, name))
		for _, m := range missing {
			t.Errorf("%s: %s", name, m)
		}
		named += n
	}
	if named < 300 {
		t.Errorf("the documents name %d things: the patterns are broken", named)
	}
}

// An invented name of each kind is told, what is there is not.
func TestInventedNamesAreFound(t *testing.T) {
	have := existing(t)
	for text, want := range map[string]string{
		"see `TestDocsNameWhatExists`, TestUnifiedInjector_SMIGRATING": "",
		"see `TestInventedHere`":                                 "TestInventedHere",
		"see BenchmarkInvented":                                  "BenchmarkInvented",
		"`go test ./internal/tidy -run DocsName`":                "",
		"`go test ./internal/tidy -run 'TestScripts/cluster-'`":  "",
		"`go test ./internal/tidy -run DocsInvented -v`":         "DocsInvented",
		"`make e2e test FUZZTIME=1s` may make believe":           "",
		"`make invented`":                                        "make invented",
		"```sh\nmake test invented # make others\n```":           "make invented",
		"``` \nx && make invented\n```\nmake nothing":            "make invented",
		"`--isolate`, --help=x, a -- b, a--b, |---|--:|":         "",
		"with --invented=3":                                      "--invented",
		"(`--invented-flag`)":                                    "--invented-flag",
		"`redis-server --tls-port 1`":                            "--tls-port",
		"[a](METHODOLOGY.md), [b](https://x.y/z), [c](#d)":       "",
		"[a](METHODOLOGY.md#where-maintenance-was-invented)":     "METHODOLOGY.md#where-maintenance-was-invented",
		"[a](INVENTED.md)":                                       "INVENTED.md",
		"![a](images/invented.png)":                              "images/invented.png",
		"`internal/tidy`, `./cmd/schload`, `internal/*/doc.go`":  "",
		"`internal/invented`":                                    "internal/invented",
		"`go run ./cmd/invented`":                                "cmd/invented",
		"`docs/invented.md`":                                     "docs/invented.md",
		"`handoff/invented/` and `github.com/x/cmd/y`, `a/docs`": "handoff/invented",
	} {
		_, missing := have.check("docs/EXAMPLE.md", text)
		if want == "" && len(missing) > 0 || want != "" && (len(missing) != 1 || !strings.HasPrefix(missing[0], want+" ")) {
			t.Errorf("%s: %q, want %q", text, missing, want)
		}
	}
}

// foreign are names that documents use and other projects own.
var foreign = map[string]string{
	"TestUnifiedInjector_SMIGRATING":         "go-redis",
	"TestTLSConfigurationsPushNotifications": "go-redis",
	"TestEndpointTypesPushNotifications":     "go-redis",
	"internal/pool":                          "go-redis",
	"internal/pool/conn.go":                  "go-redis",
	"internal/pool/pool.go":                  "go-redis",
	"internal/pool/pool_single.go":           "go-redis",
	"--profile":                              "docker compose",
}

// names are those that documents may use.
type names struct {
	tests   map[string]bool
	targets map[string]bool // of the Makefile
	flags   map[string]bool // of cmd/schload, without dashes
	top     map[string]bool // folders at the root
}

func existing(t *testing.T) names {
	t.Helper()
	n := names{tests: testNames(t), targets: map[string]bool{}, flags: map[string]bool{"help": true, "version": true}, top: map[string]bool{}}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(readText(t, "Makefile"), -1) {
		n.targets[m[1]] = true
	}
	for _, f := range goFiles(t) {
		if f.pkg == "cmd/schload" && !f.test {
			maps.Copy(n.flags, flagNames(f.ast))
		}
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			n.top[e.Name()] = true
		}
	}
	for line := range strings.Lines(readText(t, ".gitignore")) { // what runs and builds leave is there or not
		delete(n.top, strings.Trim(line, "/\n"))
	}
	if len(n.tests) < 500 || len(n.targets) < 10 || len(n.flags) < 50 {
		t.Fatalf("found %d tests, %d make targets and %d flags: a pattern is broken", len(n.tests), len(n.targets), len(n.flags))
	}
	return n
}

// testNames are the tests of the repository, those of nested modules included.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(p)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// defines are the methods of a set of flags that define one, the name being the
// first argument or, behind where its value goes, the second.
var defines = regexp.MustCompile(`^(?:String|Bool|Int|Int64|Uint|Uint64|Float64|Duration|StringSlice|StringArray|StringToString|IntSlice|Count)?(Var)?P?F?$`)

// flagNames are the names of the flags that a file defines, as it spells them.
func flagNames(f *ast.File) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		m := defines.FindStringSubmatch(method.Sel.Name)
		if m == nil || len(call.Args) < 3 {
			return true
		}
		at := 0
		if m[1] != "" {
			at = 1
		}
		if name, ok := call.Args[at].(*ast.BasicLit); ok {
			text, _ := strconv.Unquote(name.Value) // of a number: no name
			found[text] = true
		}
		return true
	})
	return found
}

var (
	namedTest   = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w*`)
	selected    = regexp.MustCompile(`-(?:run|bench|fuzz) (?:'([^']*)'|([\w/|^$.-]+))`)
	made        = regexp.MustCompile(`\bmake ((?:[A-Za-z0-9_-]+(?:=\S*)?[ ]?)+)`)
	namedFlag   = regexp.MustCompile("(?m)(?:^|[\\s`'\"(\\[,/|])--([a-z][a-z0-9-]*)")
	link        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence       = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	inline      = regexp.MustCompile("`[^`\n]+`")
	namedPath   = regexp.MustCompile("(?:^|[\\s`'\"=(,])(?:\\./)?((?:[a-z]+)/[\\w*./-]*)")
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchor = regexp.MustCompile(`[^\pL\pN _-]`)
)

// check returns how many names a document has, and those of nothing, each with
// what it was to be. Targets and paths are looked for in code only: prose may
// make believe.
func (have names) check(document, text string) (n int, missing []string) {
	want := func(name, kind string, ok bool) {
		n++
		if !ok && foreign[name] == "" {
			missing = append(missing, fmt.Sprintf("%s is no %s", name, kind))
		}
	}
	for _, name := range namedTest.FindAllString(text, -1) {
		want(name, "test of this repository", have.tests[name])
	}
	for _, m := range namedFlag.FindAllStringSubmatch(text, -1) {
		want("--"+m[1], "flag of schload", have.flags[m[1]])
	}
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "#") {
			continue
		}
		want(m[1], "file, or no heading in it", leads(path.Dir(document), m[1]))
	}
	for _, code := range codeOf(text) {
		for _, m := range selected.FindAllStringSubmatch(code, -1) {
			pattern := m[1] + m[2]
			if !namedTest.MatchString(pattern) { // else it was looked at above
				want(pattern, "pattern of a test", have.matches(pattern))
			}
		}
		for _, m := range made.FindAllStringSubmatch(code, -1) {
			for word := range strings.FieldsSeq(m[1]) {
				if !strings.Contains(word, "=") {
					want("make "+word, "target of the Makefile", have.targets[word])
				}
			}
		}
		for _, m := range namedPath.FindAllStringSubmatch(code, -1) {
			name := strings.TrimRight(m[1], "/.")
			first, _, _ := strings.Cut(name, "/")
			if !have.top[first] || strings.HasSuffix(m[1], "...") {
				continue // another project's, or relative to what stands beside it
			}
			there, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(name)))
			want(name, "file or folder", err == nil && len(there) > 0)
		}
	}
	return n, missing
}

// matches says whether the part of a pattern before a slash selects a test. Two
// select none on purpose: ^$ and xxx.
func (have names) matches(pattern string) bool {
	first, _, _ := strings.Cut(pattern, "/")
	p, err := regexp.Compile(first)
	if err != nil || first == "^$" || first == "xxx" {
		return err == nil
	}
	for name := range have.tests {
		if p.MatchString(name) {
			return true
		}
	}
	return false
}

// codeOf are the spans of code in a document, and the lines of its blocks.
func codeOf(text string) (code []string) {
	for _, block := range fence.FindAllString(text, -1) {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, " #")
			code = append(code, strings.TrimSpace(line))
		}
	}
	for _, span := range inline.FindAllString(fence.ReplaceAllString(text, ""), -1) {
		code = append(code, strings.Trim(span, "`"))
	}
	return code
}

// leads says whether a link from a folder leads to a file and, with an anchor,
// to a heading in it.
func leads(folder, to string) bool {
	to, anchor, _ := strings.Cut(to, "#")
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path.Join(folder, to))))
	if err != nil {
		info, err := os.Stat(filepath.Join(root, filepath.FromSlash(path.Join(folder, to))))
		return err == nil && info.IsDir() && anchor == ""
	}
	return anchor == "" || slices.ContainsFunc(heading.FindAllStringSubmatch(string(text), -1), func(m []string) bool {
		title := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		return strings.ReplaceAll(title, " ", "-") == anchor
	})
}
