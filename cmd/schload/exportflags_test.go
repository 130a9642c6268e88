package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"schload/telemetry"
)

// What a run with processes of its own refuses is not passed to them; every
// other flag of exports is.
func TestExportFlagsArePassed(t *testing.T) {
	refused := []string{"otlp-file", "prometheus", "export-marks"}
	var empty exportFlags
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	empty.register(flags)
	flags.VisitAll(func(flag *pflag.Flag) {
		var given, taken exportFlags
		set := pflag.NewFlagSet("run", pflag.ContinueOnError)
		given.register(set)
		value := map[string]string{"bool": "true", "int": "7", "string": "x", "stringArray": "a=b"}[flag.Value.Type()]
		if err := set.Set(flag.Name, value); err != nil {
			t.Fatal(err)
		}
		taken.take(given.passed())
		if passed := fmt.Sprint(taken) == fmt.Sprint(given); passed == slices.Contains(refused, flag.Name) {
			t.Errorf("--%s is passed: %v (%+v, %+v)", flag.Name, passed, given, taken)
		}
		if !slices.Contains(refused, flag.Name) && !reflect.DeepEqual(taken, given) {
			t.Errorf("--%s: %+v became %+v", flag.Name, given, taken)
		}
	})
}

// At the end of a run each kind of loss is said, and nothing where none was.
func TestEnded(t *testing.T) {
	for want, stats := range map[string]telemetry.Stats{
		"": {Sent: 60, SpansSent: 4, Events: telemetry.Events{Sent: 9}},
		"merged with others (otel.metric.overflow) 4 000 times": {Sent: 60, Overflowed: 4000},
		"spans: 4 sent, 5 lost":                                 {Sent: 60, SpansSent: 4, SpansLost: 5},
		"marks: 9 events sent, 6 lost":                          {Sent: 60, Events: telemetry.Events{Sent: 9, Lost: 6}},
		"exports: 50 sent, 2 failed (refused 2), 8 held back":   {Sent: 50, Failed: 2, Held: 8, Causes: map[telemetry.Cause]uint64{telemetry.Refused: 2}},
	} {
		var said strings.Builder
		ended(&said, stats)
		if got := said.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != min(1, len(want)) {
			t.Errorf("%+v: said %q, want one line with %q", stats, got, want)
		}
	}
}
