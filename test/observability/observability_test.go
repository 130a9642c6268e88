package observability

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What Prometheus has of a run is what the bundle has: totals to the last
// operation, quantiles within the bucket. And every query of every board
// answers there, of which the pictures in the documentation are drawn.
func TestE2EObservability(t *testing.T) {
	s := up(t)
	r := loaded(t, nil, s.grpc, "--upgrade", "endpoint-rebind", "--rate", "500")
	s.settled(t, &r)
	s.totals(t, r)
	s.quantiles(t, r)
	if r.Harness.Exports.Failed > 0 || r.Harness.Exports.Sent == 0 {
		t.Errorf("exports: %+v", r.Harness.Exports)
	}
	runs := []drawn{{"endpoint-rebind", r}}
	for _, arguments := range [][]string{{"failover", "--traces", "--export-marks"}, {"in-place"}} {
		other := loaded(t, nil, s.grpc, append([]string{"--rate", "500", "--upgrade"}, arguments...)...)
		s.settled(t, &other)
		s.totals(t, other)
		runs = append(runs, drawn{arguments[0], other})
	}
	t.Run("traced", func(t *testing.T) { s.traced(t, runs[1].summary) })
	t.Run("pictures", func(t *testing.T) { s.pictures(t, runs) })
	// Some panels are about messages, which the default profile has none of.
	messages := loaded(t, nil, s.http, "messages", "--upgrade", "endpoint-rebind")
	s.settled(t, &messages)
	s.totals(t, messages)
	t.Run("classic", func(t *testing.T) { s.classic(t, r) })
	files, err := filepath.Glob(filepath.Join(root, "dashboards/grafana/boards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no boards: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { s.board(t, summary{from: r.from, to: messages.to}, file, nil) })
	}
	t.Run("client board", func(t *testing.T) { s.clientBoard(t, summary{from: r.from, to: messages.to}) })
	if file := os.Getenv("CLIENT_BOARD"); file != "" {
		t.Run(filepath.Base(file), func(t *testing.T) { s.board(t, summary{from: r.from, to: messages.to}, file, absentOfClient) })
	}
}

// classic checks the second pipeline: explicit buckets of the same histograms
// for Redis' own dashboard, under the label it selects by.
func (s *stack) classic(t *testing.T, r summary) {
	query := `sum by (schload_arm) (last_over_time(db_client_operation_duration_seconds_bucket{exported_job="schload",schload_run_id=%q,schload_phase!="warmup",outcome="ok",le="+Inf"}[10m]))`
	got := s.by(t, r.to, "schload_arm", fmt.Sprintf(query, r.RunID))
	for _, a := range r.Arms {
		if got[a.Name] != float64(a.Operations.OK) {
			t.Errorf("%s: the classic buckets have %v successes, the bundle %d", a.Name, got[a.Name], a.Operations.OK)
		}
	}
}

// A collector that is away for a minute in the middle of a run costs no total
// and touches no operation.
func TestE2ECollectorStoppedAndRestarted(t *testing.T) {
	away := 60 * time.Second
	if text := os.Getenv("E2E_AWAY"); text != "" {
		var err error
		if away, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	s := up(t)
	quiet := away + 30*time.Second
	r := loaded(t, func() {
		wait(t, 10*time.Second)
		s.collector.end()
		wait(t, away)
		s.collect(t)
	}, s.http, "--upgrade", "none", "--set", "quiet_time="+quiet.String(), "--speed", "1", "--rate", "500")
	s.settled(t, &r)
	s.totals(t, r)
	s.quantiles(t, r)
	for _, a := range r.Arms {
		if a.Operations.Failed+a.Operations.Missed > 0 {
			t.Errorf("%s: %+v, want nothing failed or missed", a.Name, a.Operations)
		}
	}
	if r.Harness.Exports.Failed == 0 || strings.Count(r.stderr, "cause=refused") != 1 || strings.Count(r.stderr, "arrive again") != 1 {
		t.Errorf("exports %+v; want some failed, said once, and the return said once:\n%s", r.Harness.Exports, last(r.stderr, 2000))
	}
}

// wait lets real time pass: the programs are real.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// board is what the check needs of a dashboard.
type board struct {
	Panels      []panel
	Annotations struct{ List []struct{ Name, Expr string } }
	Templating  struct {
		List []struct {
			Name    string
			Query   json.RawMessage
			Current struct{ Value any }
		}
	}
}

type panel struct {
	Title   string
	Panels  []panel
	Targets []struct {
		RefID, Expr string
		Instant     bool
	}
}

func (p panel) all() []panel {
	out := []panel{p}
	for _, inner := range p.Panels {
		out = append(out, inner.all()...)
	}
	return out
}

// board asks every query of a board's variables, panels and annotations. Those
// of metrics that have a reason to be absent may answer with nothing.
func (s *stack) board(t *testing.T, r summary, file string, absent map[string]string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	chosen := s.choose(t, r, b)
	asked := 0
	ask := func(what, expr string, instant bool) {
		asked++
		expr = chosen.Replace(expr)
		lines := s.answers(t, r, expr, instant)
		if all, filtered := strings.CutSuffix(strings.TrimSpace(expr), "> 0"); len(lines) == 0 && filtered {
			lines = s.answers(t, r, all, instant) // nothing above zero is an answer, no series is none
		}
		if len(lines) > 0 {
			return
		}
		for metric, why := range absent {
			if strings.Contains(expr, metric) {
				t.Logf("%s answers with nothing: %s", what, why)
				return
			}
		}
		t.Errorf("%s answers with nothing: %s", what, expr)
	}
	for _, a := range b.Annotations.List {
		if a.Expr != "" {
			ask("annotation "+a.Name, a.Expr, false)
		}
	}
	for _, top := range b.Panels {
		for _, p := range top.all() {
			for _, target := range p.Targets {
				ask(fmt.Sprintf("panel %q, query %s", p.Title, target.RefID), target.Expr, target.Instant)
			}
		}
	}
	t.Logf("%d queries", asked)
}

func (s *stack) answers(t *testing.T, r summary, expr string, instant bool) []series {
	t.Helper()
	if instant {
		return s.at(t, r.to, expr)
	}
	return s.over(t, r.from, r.to, expr)
}

var labelValues = regexp.MustCompile(`^label_values\((.*), *(\w+)\)$`)

// choose asks the variables in their order, as Grafana does when the board is
// opened, and selects all that they offer.
func (s *stack) choose(t *testing.T, r summary, b board) *strings.Replacer {
	t.Helper()
	span := strconv.Itoa(int(r.to.Sub(r.from).Seconds()) + 1)
	replaced := []string{"$__rate_interval", "4s", "$__interval", "1s", "$__range_s", span, "$__range", span + "s"}
	for _, v := range b.Templating.List {
		var q struct{ Query string }
		if json.Unmarshal(v.Query, &q) != nil || q.Query == "" {
			value := fmt.Sprint(v.Current.Value)
			replaced = append(replaced, "${"+v.Name+"}", value, "$"+v.Name, value)
			continue
		}
		asked := strings.NewReplacer(replaced...).Replace(q.Query)
		if inner, ok := strings.CutPrefix(asked, "query_result("); ok {
			lines := s.at(t, r.to, strings.TrimSuffix(inner, ")"))
			if len(lines) != 1 {
				t.Errorf("variable %s: %d results, want one: %s", v.Name, len(lines), q.Query)
				continue
			}
			value := strconv.FormatFloat(lines[0].value(t), 'f', -1, 64)
			replaced = append(replaced, "${"+v.Name+"}", value, "$"+v.Name, value)
			continue
		}
		m := labelValues.FindStringSubmatch(asked)
		if m == nil {
			t.Fatalf("variable %s: %q is neither label_values nor query_result", v.Name, q.Query)
		}
		var found []string
		for _, line := range s.at(t, r.to, fmt.Sprintf("group by (%s) (last_over_time(%s[10m]))", m[2], m[1])) {
			found = append(found, line.Metric[m[2]])
		}
		if strings.Join(found, "") == "" {
			t.Errorf("variable %s offers nothing: %s", v.Name, q.Query)
		}
		value := "(" + strings.Join(found, "|") + ")"
		replaced = append(replaced, "${"+v.Name+"}", value, "$"+v.Name, value)
	}
	return strings.NewReplacer(replaced...)
}
