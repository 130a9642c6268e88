// Package view opens a board on a Prometheus as Grafana does in a browser: it asks
// the variables, puts what was chosen into the queries, and names the series
// that come back. What it does not do is draw.
package view

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/engine"
)

// Source answers queries: an engine in this process, or a server.
type Source interface {
	Instant(ctx context.Context, expr string, at time.Time) ([]engine.Sample, error)
	Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]engine.Line, error)
}

// View is a board with its variables chosen and a time range.
type View struct {
	Board    dashboards.Board
	From, To time.Time
	Step     time.Duration

	source Source
	values map[string][]string // what was chosen, by variable
	expand func(string) string
}

// Open asks the variables in their order. Where several values may be chosen
// all are, else the first; choose says otherwise by the variable's name.
func Open(ctx context.Context, source Source, b dashboards.Board, from, to time.Time, choose map[string]string) (*View, error) {
	v := &View{Board: b, From: from, To: to, Step: max(time.Second, to.Sub(from)/600).Truncate(time.Second), source: source, values: map[string][]string{}}
	// The data source's interval is 1 s: $__rate_interval is max(step +
	// interval, 4 intervals).
	replaced := []string{"$__rate_interval", max(v.Step+time.Second, 4*time.Second).String(),
		"$__range", strconv.Itoa(int(to.Sub(from).Seconds())) + "s"}
	for _, variable := range b.Templating.List {
		values := []string{variable.Current.Value}
		if q, ok := variable.Query.(dashboards.VariableQuery); ok {
			found, err := v.offered(ctx, variable, strings.NewReplacer(replaced...).Replace(q.Query))
			if err != nil {
				return nil, err
			}
			if len(found) == 0 || strings.Join(found, "") == "" {
				return nil, fmt.Errorf("variable %s offers nothing", variable.Name)
			}
			if values = found; !variable.Multi {
				values = found[:1]
			}
		}
		if value, ok := choose[variable.Name]; ok {
			values = []string{value}
		}
		v.values[variable.Name] = values
		value := values[0]
		if variable.Multi {
			value = "(" + strings.Join(values, "|") + ")"
		}
		replaced = append(replaced, "${"+variable.Name+"}", value, "$"+variable.Name, value)
	}
	v.expand = strings.NewReplacer(replaced...).Replace
	return v, nil
}

var (
	labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	queryResult = regexp.MustCompile(`^query_result\((.*)\)$`)
	placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// offered lists what a variable offers, in its order.
func (v *View) offered(ctx context.Context, variable dashboards.Variable, query string) (found []string, err error) {
	if m := labelValues.FindStringSubmatch(query); m != nil {
		samples, err := v.source.Instant(ctx, fmt.Sprintf("group by (%s) (last_over_time(%s[%.0fs]))", m[2], m[1], v.To.Sub(v.From).Seconds()), v.To)
		for _, sample := range samples {
			found = append(found, sample.Metric.Get(m[2]))
		}
		slices.Sort(found)
		if variable.Sort == 2 {
			slices.Reverse(found)
		}
		return found, err
	}
	m := queryResult.FindStringSubmatch(query)
	if m == nil {
		return nil, fmt.Errorf("variable %s: %q is neither label_values nor query_result", variable.Name, query)
	}
	pattern, err := regexp.Compile(strings.Trim(variable.Regex, "/"))
	if err != nil {
		return nil, fmt.Errorf("variable %s: %w", variable.Name, err)
	}
	samples, err := v.source.Instant(ctx, m[1], v.To)
	for _, sample := range samples {
		// What Grafana makes of a sample: labels, value, milliseconds.
		text := fmt.Sprintf("%v %v %d", sample.Metric, strconv.FormatFloat(sample.F, 'f', -1, 64), sample.T)
		if captured := pattern.FindStringSubmatch(text); captured != nil {
			found = append(found, captured[1])
		}
	}
	return found, err
}

// Values returns what was chosen of a variable.
func (v *View) Values(variable string) []string { return v.values[variable] }

// With returns the view with one value chosen, as panels that repeat have it.
func (v *View) With(variable, value string) *View {
	out := *v
	out.values = map[string][]string{variable: {value}}
	for name, values := range v.values {
		if name != variable {
			out.values[name] = values
		}
	}
	only := strings.NewReplacer("${"+variable+"}", value, "$"+variable, value)
	out.expand = func(text string) string { return v.expand(only.Replace(text)) }
	return &out
}

// Expand puts what was chosen in the place of variables.
func (v *View) Expand(text string) string { return v.expand(text) }

// Series is what a query answers with under one legend.
type Series struct {
	Target dashboards.Target
	engine.Line
	Name string
}

// Last is the value of a series that has one.
func (s Series) Last() float64 { return s.Samples[len(s.Samples)-1].F }

// Series asks a query: one sample each step of the time range, or one at its
// end where the target is instant.
func (v *View) Series(ctx context.Context, target dashboards.Target) ([]Series, error) {
	expr := v.Expand(target.Expr)
	if strings.Contains(expr, "$") {
		return nil, fmt.Errorf("a variable is left over in %s", expr)
	}
	lines, err := v.lines(ctx, target.Instant, expr)
	out := make([]Series, 0, len(lines))
	for _, line := range lines {
		name := placeholder.ReplaceAllStringFunc(v.Expand(target.LegendFormat), func(s string) string {
			return line.Labels.Get(strings.Trim(s, "{}"))
		})
		out = append(out, Series{target, line, name})
	}
	return out, err
}

func (v *View) lines(ctx context.Context, instant bool, expr string) (out []engine.Line, err error) {
	if !instant {
		return v.source.Range(ctx, expr, v.From, v.To, v.Step)
	}
	samples, err := v.source.Instant(ctx, expr, v.To)
	for _, sample := range samples {
		out = append(out, engine.Line{Labels: sample.Metric, Samples: []engine.Sample{sample}})
	}
	return out, err
}

// Missing lists the labels that a legend names and a series lacks.
func Missing(s Series) (out []string) {
	for _, label := range placeholder.FindAllStringSubmatch(s.Target.LegendFormat, -1) {
		if s.Labels.Get(label[1]) == "" {
			out = append(out, label[1])
		}
	}
	return out
}
