package telemetry

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// with are the variables and more.
func (v variables) with(more variables) variables {
	out := maps.Clone(v)
	if out == nil {
		out = variables{}
	}
	maps.Copy(out, more)
	return out
}

// allSignals asks for metrics, spans and marks by OTLP.
var allSignals = variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"}

// routes resolves an environment that asks for every signal, without a warning.
func routes(t *testing.T, env variables) map[signal]*route {
	t.Helper()
	s, warned, err := Config{Getenv: allSignals.with(env).get}.resolve()
	if err != nil || len(warned) > 0 || s.traces == nil || s.events == nil {
		t.Fatalf("%v: %v, warnings %v", env, err, warned)
	}
	return map[signal]*route{metricsSignal: &s.route, tracesSignal: s.traces, logsSignal: s.events}
}

// otlpSetting is an OTLP variable, or two that go together, what it is set to,
// and how a route shows it.
type otlpSetting struct {
	values variables // by suffix
	beside variables
	shows  func(*route) any
	want   any
}

func otlpSettings(t *testing.T) []otlpSetting {
	a := newAuthority(t)
	cert, key := a.sign("client")
	secure := variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c"}
	return []otlpSetting{
		{variables{"ENDPOINT": "http://x:9"}, nil, func(r *route) any { return r.endpoint.Host }, "x:9"},
		{variables{"PROTOCOL": "grpc"}, nil, func(r *route) any { return r.protocol }, GRPC},
		{variables{"HEADERS": "a=b%20c"}, nil, func(r *route) any { return r.headers["a"] }, "b c"},
		{variables{"TIMEOUT": "700"}, nil, func(r *route) any { return r.timeout.String() }, "700ms"},
		{variables{"COMPRESSION": "gzip"}, nil, func(r *route) any { return r.compression }, "gzip"},
		{variables{"INSECURE": "true"}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			func(r *route) any { return r.endpoint.Scheme }, "http"},
		{variables{"CERTIFICATE": a.file}, secure, func(r *route) any { return r.tls.RootCAs != nil }, true},
		{variables{"CLIENT_CERTIFICATE": cert, "CLIENT_KEY": key}, secure, func(r *route) any { return len(r.tls.Certificates) }, 1},
	}
}

// A variable of OTLP's settings holds for its signal alone, and the general one
// for all three.
func TestSettingsOfSignals(t *testing.T) {
	for _, c := range otlpSettings(t) {
		before := routes(t, c.beside)
		for _, of := range []string{"", "METRICS_", "TRACES_", "LOGS_"} {
			env := c.beside.with(nil)
			for suffix, value := range c.values {
				env["OTEL_EXPORTER_OTLP_"+of+suffix] = value
			}
			for s, r := range routes(t, env) {
				want := c.shows(before[s])
				if of == "" || of == s.name+"_" {
					want = c.want
				}
				if got := c.shows(r); got != want {
					t.Errorf("%v: %s has %v, want %v", slices.Sorted(maps.Keys(env)), s.name, got, want)
				}
			}
		}
	}
}

// otherSettings are the other variables that do something, and how it shows.
var otherSettings = []struct {
	env   variables
	shows func(settings) any
	want  any
}{
	{variables{"OTEL_SDK_DISABLED": "true"}, func(s settings) any { return s.exports() }, false},
	{variables{"OTEL_METRICS_EXPORTER": "none"}, func(s settings) any { return s.otlp }, false},
	{variables{"OTEL_TRACES_EXPORTER": "None"}, func(s settings) any { return s.traces == nil }, true},
	{variables{"OTEL_LOGS_EXPORTER": "console,otlp"}, func(s settings) any { return fmt.Sprint(s.events.file, s.events.otlp) }, "-true"},
	{variables{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Cumulative"}, func(s settings) any { return s.otlp }, true},
	{variables{"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "explicit_bucket_histogram"}, func(s settings) any { return s.histograms }, Classic},
	{variables{"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "h", "OTEL_EXPORTER_PROMETHEUS_PORT": "1"}, func(s settings) any { return s.prometheus }, "h:1"},
	{variables{"OTEL_METRIC_EXPORT_INTERVAL": "70"}, ofEveryRoute(func(r *route) any { return r.interval }), "70ms 1s 1s"},
	{variables{"OTEL_METRIC_EXPORT_TIMEOUT": "70"}, ofEveryRoute(func(r *route) any { return r.timeout }), "70ms 5s 5s"},
	{variables{"OTEL_BSP_SCHEDULE_DELAY": "70"}, ofEveryRoute(func(r *route) any { return r.interval }), "1s 70ms 1s"},
	{variables{"OTEL_BSP_EXPORT_TIMEOUT": "70"}, ofEveryRoute(func(r *route) any { return r.timeout }), "5s 70ms 5s"},
	{variables{"OTEL_BLRP_SCHEDULE_DELAY": "70"}, ofEveryRoute(func(r *route) any { return r.interval }), "1s 1s 70ms"},
	{variables{"OTEL_BLRP_EXPORT_TIMEOUT": "70"}, ofEveryRoute(func(r *route) any { return r.timeout }), "5s 5s 70ms"},
	{variables{"OTEL_BLRP_EXPORT_TIMEOUT": "70", "OTEL_EXPORTER_OTLP_TIMEOUT": "80"}, ofEveryRoute(func(r *route) any { return r.timeout }), "80ms 80ms 80ms"},
	{variables{"OTEL_SERVICE_NAME": "x"}, func(s settings) any { return s.resource["service.name"] }, "x"},
	{variables{"OTEL_RESOURCE_ATTRIBUTES": "site=x"}, func(s settings) any { return s.resource["site"] }, "x"},
	{variables{exemplarFilter: "always_off"}, func(s settings) any { return s.exemplars }, false},
	{variables{exemplarFilter: "Trace_Based"}, func(s settings) any { return s.exemplars }, true},
	{variables{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_COUNT_LIMIT": "8"}, func(s settings) any { return s.limits.AttributeCountLimit }, 7},
	{variables{"OTEL_ATTRIBUTE_COUNT_LIMIT": "8"}, func(s settings) any { return s.limits.AttributeCountLimit }, 8},
	{variables{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "8"}, func(s settings) any { return s.limits.AttributeValueLengthLimit }, 7},
	{variables{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "8"}, func(s settings) any { return s.limits.AttributeValueLengthLimit }, 8},
	{variables{"OTEL_SPAN_EVENT_COUNT_LIMIT": "0"}, func(s settings) any { return s.limits.EventCountLimit }, 0},
	{variables{"OTEL_SPAN_LINK_COUNT_LIMIT": "7"}, func(s settings) any { return s.limits.LinkCountLimit }, 7},
	{variables{"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "7"}, func(s settings) any { return s.limits.AttributePerEventCountLimit }, 7},
	{variables{"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "7"}, func(s settings) any { return s.limits.AttributePerLinkCountLimit }, 7},
}

// ofEveryRoute shows the same of metrics, spans and marks.
func ofEveryRoute(shows func(*route) any) func(settings) any {
	return func(s settings) any { return fmt.Sprint(shows(&s.route), " ", shows(s.traces), " ", shows(s.events)) }
}

func TestOtherSettings(t *testing.T) {
	for _, c := range otherSettings {
		s, warned, err := Config{Getenv: allSignals.with(c.env).get}.resolve()
		if got := c.shows(s); err != nil || len(warned) > 0 || got != c.want {
			t.Errorf("%v: %v, want %v; %v, warnings %v", c.env, got, c.want, err, warned)
		}
	}
}

// A value that cannot be understood is told once, by the variable, however many
// signals ask for it, and changes nothing.
func TestValuesThatAreWrong(t *testing.T) {
	want, _, err := Config{Getenv: allSignals.get}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"OTEL_SDK_DISABLED": "yes", "OTEL_EXPORTER_OTLP_INSECURE": "1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "json",
		"OTEL_EXPORTER_OTLP_TIMEOUT": "0", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "1s", "OTEL_BLRP_SCHEDULE_DELAY": "-1", "OTEL_BSP_EXPORT_TIMEOUT": "x",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "localhost", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x",
		"OTEL_LOGS_EXPORTER": "otlp,logging", "OTEL_TRACES_EXPORTER": "otlp,prometheus", exemplarFilter: "always_on",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-1", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "long",
	} {
		env := allSignals.with(variables{name: value})
		if strings.HasSuffix(name, "INSECURE") { // which only an endpoint of gRPC without a scheme needs
			env = env.with(variables{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"})
		}
		got, warned, err := Config{Getenv: env.get}.resolve()
		if err != nil || len(warned) != 1 || !strings.HasPrefix(warned[0].Error(), name+"=") {
			t.Errorf("%s=%s: %v, warnings %v", name, value, err, warned)
		}
		same := got.exemplars == want.exemplars && got.limits == want.limits
		for _, pair := range [][2]*route{{&got.route, &want.route}, {got.traces, want.traces}, {got.events, want.events}} {
			a, b := pair[0], pair[1]
			same = same && a.interval == b.interval && a.timeout == b.timeout && a.compression == b.compression && len(a.headers) == 0 && a.file == b.file &&
				(strings.HasSuffix(name, "INSECURE") && a.endpoint.Scheme == "https" || a.endpoint.String() == b.endpoint.String())
		}
		if !same {
			t.Errorf("%s=%s changed something", name, value)
		}
	}
}

// A variable that does nothing is told of once, by its name and with what to use
// instead, if it is about something that is exported; a value is not repeated.
func TestVariablesThatDoNothing(t *testing.T) {
	resolve := func(env variables) (warned []error) {
		_, warned, err := Config{Getenv: env.get}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		return warned
	}
	for _, v := range standard {
		if v.does != "" {
			continue
		}
		set, agreed := variables{}, variables{}
		for _, name := range v.names {
			set[name] = "a-secret"
			if len(v.same) > 0 {
				agreed[name] = strings.ToUpper(v.same[len(v.same)-1])
			}
		}
		warned := resolve(allSignals.with(set))
		if v.matters == nil {
			if len(warned) > 0 {
				t.Errorf("%v: warnings %v, want none", v.names, warned)
			}
			continue
		}
		text := fmt.Sprint(warned)
		if len(warned) != 1 || !strings.Contains(text, strings.Join(v.names, ", ")) || !strings.Contains(text, v.why) || strings.Contains(text, "a-secret") {
			t.Errorf("%v: warnings %v, want one", v.names, warned)
		}
		if warned := resolve(allSignals.with(agreed)); len(warned) > 0 {
			t.Errorf("%v: warnings %v, want none", agreed, warned)
		}
		metricsAlone := resolve(set.with(variables{"OTEL_METRICS_EXPORTER": "otlp"}))
		if wanted := v.matters == always || v.matters == exporting; (len(metricsAlone) > 0) != wanted {
			t.Errorf("%v, and metrics alone are exported: warnings %v", v.names, metricsAlone)
		}
		if nothing := resolve(set); (len(nothing) > 0) != (v.matters == always) {
			t.Errorf("%v, and nothing is exported: warnings %v", v.names, nothing)
		}
	}
}

// The list has every variable of the specification once, and says of each what
// the code does: those that do something are read and tested, and nothing is
// read that is not in it.
func TestListOfVariables(t *testing.T) {
	listed, does := map[string]bool{}, map[string]bool{}
	for _, v := range standard {
		if (v.does == "") == (v.why == "") || v.does != "" && (v.matters != nil || v.same != nil) {
			t.Errorf("%v: want what it does, or why nothing", v.names)
		}
		for _, name := range v.names {
			if listed[name] {
				t.Errorf("%s is listed twice", name)
			}
			listed[name], does[name] = true, v.does != ""
		}
	}
	for _, name := range specified(t) {
		if !listed[name] {
			t.Errorf("%s is specified and not listed", name)
		}
	}
	if diff := cmp.Diff(namesOf(does), read(t)); diff != "" {
		t.Errorf("listed as doing something, and read (-listed +read):\n%s", diff)
	}
	if diff := cmp.Diff(namesOf(does), tested(t)); diff != "" {
		t.Errorf("listed as doing something, and tested (-listed +tested):\n%s", diff)
	}
}

func namesOf(set map[string]bool) (names []string) {
	for name, in := range set {
		if in {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// specified are the specification's names.
func specified(t *testing.T) (names []string) {
	text, err := os.ReadFile("testdata/otel-variables.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	if len(names) != 79 {
		t.Fatalf("%d names, want 79", len(names))
	}
	return names
}

// read are the variables that are asked for, but for those that are asked for
// only to be warned of.
func read(t *testing.T) []string {
	asked := map[string]bool{}
	for _, more := range []variables{nil, {"OTEL_METRICS_EXPORTER": "prometheus"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}} {
		env := allSignals.with(more)
		if _, _, err := (Config{Getenv: func(name string) string { asked[name] = true; return env[name] }}).resolve(); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range standard {
		for _, name := range v.names {
			if v.does == "" {
				delete(asked, name)
			}
		}
	}
	return namesOf(asked)
}

// tested are the variables that the tables of the tests above set.
func tested(t *testing.T) []string {
	names := map[string]bool{}
	for _, c := range otherSettings {
		for name := range c.env {
			names[name] = true
		}
	}
	for _, c := range otlpSettings(t) {
		for suffix := range c.values {
			for _, name := range ofEach(suffix) {
				names[name] = true
			}
		}
	}
	return namesOf(names)
}
