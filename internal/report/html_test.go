package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// staged is a bundle that was made up: an upgrade of so many rounds which arm on
// survives and arm off does not. Names are those of hostile if that is set.
type staged struct {
	rounds  int
	length  int    // seconds of each phase
	rate    uint64 // operations a second
	hostile string
	arms    []string
	upgrade string // of the catalog; "": one that is called rolling
	seed    uint64 // of what is drawn
	ledger  bool   // a tenth of the replies were checked
}

// write makes the bundle. The same staged makes the same one.
func (g staged) write(t testing.TB, dir string) *bundle.Bundle {
	t.Helper()
	started := time.Date(2026, 11, 22, 13, 24, 0, 0, time.UTC)
	name := cmp.Or(g.upgrade, "rolling"+g.hostile)
	run := bundle.Run{
		ID: "20261122-132400-7", Started: started, Command: []string{"schload", "run", "rolling" + g.hostile},
		Profile: json.RawMessage(`{"name":` + strconv.Quote(name) + `,"rate":"1000"}`),
		Pools:   []bundle.Pool{{Name: "main", Operations: []string{"GET", "SET" + g.hostile}}},
		SLO:     []string{"maintenance.failed_ratio < 0.001", "availability >= 100%", "recover < 1s"},
		Upgrade: bundle.Upgrade{
			Documented: "Connections are handed over ahead of the close" + g.hostile,
			Name:       name, Title: "Rolling upgrade" + g.hostile, SCHSupport: "full",
			Assumptions: []string{"settle = 1s is an assumption" + g.hostile},
			Parameters:  []bundle.Parameter{{Name: "settle", Value: "1s" + g.hostile, Origin: "assumption", Note: "ours" + g.hostile}},
		},
		Stage: "sim", Rounds: g.rounds, Seed: 7, Speed: 1,
		LateAfter: bundle.Seconds(100 * time.Millisecond), OutageAfter: bundle.Seconds(500 * time.Millisecond), Objective: 0.999,
		Environment: bundle.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26"},
		Versions:    bundle.Versions{Schload: "v0.1.0" + g.hostile, GoRedis: "v9.23.0"},
	}
	if g.upgrade != "" {
		run.Upgrade = cataloged(t, g.upgrade)
	}
	final := bundle.Final{Valid: g.hostile == "", StartLag: &bundle.Lag{Count: 3000, P50: 41_000, P99: 312_345, Max: 2_100_000}}
	if g.hostile != "" {
		final.InvalidReasons = []string{"because" + g.hostile}
	}
	for _, name := range g.arms {
		run.Arms = append(run.Arms, bundle.Arm{Name: name, Requested: name[:len(name)-len(g.hostile)], Settings: json.RawMessage(`{"pool_size":32}`)})
		opted := uint64(0)
		if strings.HasPrefix(name, "on") {
			opted = 16
		}
		final.Arms = append(final.Arms, bundle.Proof{Name: name, Effective: name[:len(name)-len(g.hostile)], Connections: 16, OptedIn: opted})
	}
	w, err := bundle.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	end := g.play(t, w)
	final.Ended = started.Add(end)
	if err := w.Finish(final); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cataloged is what a bundle holds of an upgrade that the simulator plays.
func cataloged(t testing.TB, name string) bundle.Upgrade {
	t.Helper()
	u, err := upgrade.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := u.Plan(7, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := bundle.Upgrade{Name: u.Name, Title: u.Title, SCHSupport: string(u.SCH), Documented: u.Documented, Assumptions: u.Assumptions()}
	if b.Plan, err = json.Marshal(plan.Actions); err != nil {
		t.Fatal(err)
	}
	for i, s := range plan.Settings {
		b.Parameters = append(b.Parameters, bundle.Parameter{Name: s.Name, Value: s.Value, Origin: string(s.Origin), Note: u.Parameters[i].Source})
	}
	return b
}

var stagedPhases = []record.Phase{record.Baseline, record.Maintenance, record.Recovery}

// play writes intervals and marks: two seconds of warm-up, then the rounds.
func (g staged) play(t testing.TB, w *bundle.Writer) time.Duration {
	random := rand.New(rand.NewPCG(7, 7+g.seed))
	at := 0
	phase := func(p record.Phase, round, seconds int) {
		w.Mark(mark.Mark{At: time.Duration(at) * time.Second, Kind: mark.Phase, Name: p.String(), Round: round, Source: "stage"})
		if p == record.Maintenance {
			g.happen(w, time.Duration(at)*time.Second, round)
		}
		for i := range seconds {
			out := p == record.Maintenance && i >= seconds/2
			if err := w.Interval(g.interval(random, at, p, round, out)); err != nil {
				t.Fatal(err)
			}
			at++
		}
	}
	phase(record.Warmup, 1, 2)
	for round := 1; round <= g.rounds; round++ {
		for _, p := range stagedPhases {
			phase(p, round, g.length)
		}
	}
	return time.Duration(at) * time.Second
}

// happen writes what befalls the arms in a maintenance that begins then.
func (g staged) happen(w *bundle.Writer, at time.Duration, round int) {
	half := time.Duration(g.length) * time.Second / 2
	w.Mark(mark.Mark{At: at + time.Second, Kind: mark.Step, Name: "notify", Round: round, Source: "sim", Detail: "the old proxy announces that it leaves" + g.hostile, Origin: "measured"})
	w.Mark(mark.Mark{At: at + half, Kind: mark.Step, Name: "close", Round: round, Source: "sim", Detail: "the old proxy closes its connections", Origin: "assumption"})
	for conn := range uint64(16) {
		told := at + time.Second + time.Duration(conn)*20*time.Millisecond
		w.Mark(mark.Mark{At: told, Kind: mark.Notice, Name: "MOVING" + g.hostile, Round: round, Source: "arm", Arm: g.arms[0], Conn: conn + 1})
		w.Mark(mark.Mark{At: told + 5*time.Millisecond, Kind: mark.Handoff, Name: "succeeded", Round: round, Source: "arm", Arm: g.arms[0]})
		w.Mark(mark.Mark{At: at + half, Kind: mark.Close, Name: "server", Round: round, Source: "arm", Arm: g.arms[1], Conn: conn + 1})
		w.Mark(mark.Mark{At: at + half + time.Duration(conn)*100*time.Millisecond, Kind: mark.Dial, Name: "dial_refused", Round: round, Source: "arm", Arm: g.arms[1]})
	}
	w.Mark(mark.Mark{At: at + half, Duration: half, Kind: mark.Outage, Round: round, Source: "harness", Arm: g.arms[1]})
	w.Mark(mark.Mark{At: at + 2*half, Duration: 700 * time.Millisecond, Kind: mark.BrownOut, Round: round, Source: "harness", Arm: g.arms[1]})
}

// interval is a second of all arms.
func (g staged) interval(random *rand.Rand, at int, p record.Phase, round int, out bool) record.Interval {
	iv := record.Interval{From: time.Duration(at) * time.Second, To: time.Duration(at+1) * time.Second}
	for i, arm := range g.arms {
		failed := uint64(0)
		if out && i > 0 {
			failed = g.rate
		}
		ok := g.rate - failed
		where := []record.Attr{{Key: record.AttrPool, Value: "main"}, {Key: record.AttrPhase, Value: p.String()}, {Key: record.AttrRound, Value: strconv.Itoa(round)}}
		add := func(name string, n uint64, more ...record.Attr) {
			if n > 0 {
				iv.Counts = append(iv.Counts, record.Count{Name: name, Arm: arm, Attrs: append(more, where...), Value: n})
			}
		}
		add(record.OperationsDue, g.rate)
		if g.ledger {
			add(record.IntegrityChecks, ok/10, record.Attr{Key: record.AttrType, Value: "read"})
		}
		add(record.Operations, ok, record.Attr{Key: record.AttrOperation, Value: "GET"}, record.Attr{Key: record.AttrOutcome, Value: "ok"})
		add(record.Operations, failed, record.Attr{Key: record.AttrOperation, Value: "GET"}, record.Attr{Key: record.AttrOutcome, Value: "dial_refused" + g.hostile})
		node := "127.0.0.2:6379"
		if p == record.Recovery || p == record.Maintenance && i == 0 {
			node = "127.0.0.3:6379"
		}
		iv.Levels = append(iv.Levels, record.Level{Name: record.Connections, Arm: arm, Attrs: []record.Attr{{Key: record.AttrNode, Value: node + g.hostile}}, Value: 16})
		for outcome, n := range map[string]uint64{"ok": ok, "failed": failed} {
			if n == 0 { // one of the two always is
				continue
			}
			x := record.Series{
				Key:      record.Key{Arm: arm, Pool: "main", Operation: "GET", Outcome: outcome, Phase: p, Round: round},
				Response: new(histogram.Histogram), Service: new(histogram.Histogram), Lateness: new(histogram.Histogram),
			}
			for range n {
				d := time.Duration(float64(150*time.Microsecond) * (0.6 + random.ExpFloat64()))
				x.Response.Record(d)
				x.Service.Record(d / 2)
				x.Lateness.Record(d / 2)
			}
			iv.Series = append(iv.Series, x)
		}
	}
	return iv
}

func pageOf(t testing.TB, b *bundle.Bundle) string {
	t.Helper()
	s, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := HTML(&page, b, s); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// The page of a small bundle, byte for byte, twice.
func TestPage(t *testing.T) {
	b := staged{rounds: 2, length: 6, rate: 50, arms: []string{"on", "off"}}.write(t, filepath.Join(t.TempDir(), "b"))
	got := pageOf(t, b)
	if again := pageOf(t, b); again != got {
		t.Error("the same bundle gave another page")
	}
	goldenFile(t, "page.html", got)
	s, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Markdown(&text, b, s); err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "page.md", text.String())
}

func goldenFile(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("%s differs from line %d on (run with -update and read the diff):\n%.400s", file, i+1, line)
		}
	}
	t.Fatalf("%s differs: it ends early (run with -update and read the diff)", file)
}

const hostile = `</script></style><script>alert(1)</script><img src=x onerror=alert(2)>"'` + "`" + `&{{.}}--><!--`

// Whatever a bundle says is text: no element, attribute or script comes of it.
func TestPageEscapes(t *testing.T) {
	arms := []string{"on" + hostile, "off" + hostile}
	b := staged{rounds: 1, length: 6, rate: 50, hostile: hostile, arms: arms}.write(t, filepath.Join(t.TempDir(), "b"))
	page := pageOf(t, b)
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for n := range tree.Descendants() {
		switch {
		case n.Type == html.TextNode && strings.Contains(n.Data, "alert(1)"):
			texts++
		case n.Type == html.CommentNode:
			t.Errorf("a comment: %.80q", n.Data)
		case n.Type == html.ElementNode:
			checkElement(t, n)
		}
	}
	if texts < 20 {
		t.Errorf("the hostile words are shown %d times: they should be, as text", texts)
	}
	s, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Markdown(&text, b, s); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(^|[^\\])[<\x60]`).MatchString(text.String()) {
		t.Errorf("Markdown lets markup through:\n%s", text.String())
	}
}

// checkElement accepts what the templates are made of.
func checkElement(t *testing.T, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "img", "iframe", "object", "embed", "form", "base":
		t.Errorf("an element %s", n.Data)
	case "script":
		code := n.FirstChild.Data
		if attrOf(n, "type") == "application/json" {
			var data any
			if err := json.Unmarshal([]byte(code), &data); err != nil {
				t.Errorf("a script of data is no JSON: %v", err)
			}
		} else if code != pageScript {
			t.Errorf("another script: %.80q", code)
		}
	}
	for _, a := range n.Attr {
		external := (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,"
		if strings.HasPrefix(a.Key, "on") || external {
			t.Errorf("element %s has %s=%.60q", n.Data, a.Key, a.Val)
		}
	}
}

func attrOf(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// An hour gives less than a megabyte, half an hour of many rounds and arms less than three.
func TestE2EPageSize(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("writes and reads an hour of intervals: set E2E=1")
	}
	for name, c := range map[string]struct {
		staged
		limit int
	}{
		"an hour":      {staged{rounds: 1, length: 1199, rate: 20, arms: []string{"on", "off"}}, 1 << 20},
		"many of them": {staged{rounds: 10, length: 60, rate: 20, arms: []string{"on", "off", "on-noretry", "off-dns"}}, 3 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			page := pageOf(t, c.write(t, filepath.Join(t.TempDir(), "b")))
			t.Logf("%d KB", len(page)>>10)
			if len(page) > c.limit {
				t.Errorf("%d bytes, want at most %d", len(page), c.limit)
			}
		})
	}
}

// Bundles that hold little give a page, too.
func TestPageOfLittle(t *testing.T) {
	started := time.Date(2026, 11, 22, 13, 24, 0, 0, time.UTC)
	w, err := bundle.Create(filepath.Join(t.TempDir(), "b"), bundle.Run{ID: "r", Started: started, Arms: []bundle.Arm{{Name: "on"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	page := pageOf(t, b)
	for _, want := range []string{"INCOMPLETE", "there is nothing to compare"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
