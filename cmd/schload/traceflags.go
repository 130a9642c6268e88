package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"schload/internal/experiment"
	"schload/telemetry/trace"
)

// traceFlags say of which operations spans are exported, and where to.
type traceFlags struct {
	on       bool
	beyond   string
	limit    int
	endpoint string
}

func (f *traceFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "traces", false, "export spans of the operations that failed, were wrong or late, and link points of histograms to them (exemplars); OTEL_TRACES_EXPORTER=otlp does the same")
	flags.StringVar(&f.beyond, "traces-beyond", "", "which successes have spans: those with a longer response time (250ms), or beyond a percentile of the interval before (p99.9) (default: --late-after)")
	flags.IntVar(&f.limit, "traces-limit", trace.DefaultLimit, "operations that have spans, of each arm and second; those beyond are counted")
	flags.StringVar(&f.endpoint, "traces-endpoint", "", "OTLP receiver of spans, if it is another than --otlp-endpoint: Prometheus takes none")
}

// check finds what is wrong before anything is started.
func (f *traceFlags) check(given func(string) bool) error {
	for name, value := range map[string]string{"traces-beyond": f.beyond, "traces-endpoint": f.endpoint} {
		if given(name) && strings.TrimSpace(value) == "" {
			return fmt.Errorf("--%s is empty: give a value, or leave the flag out", name)
		}
	}
	if f.limit < 1 || f.limit > trace.MostLimit {
		return fmt.Errorf("--traces-limit %d: want 1 to %d", f.limit, trace.MostLimit)
	}
	for _, name := range []string{"traces-beyond", "traces-limit"} {
		if given(name) && !f.on && f.endpoint == "" && os.Getenv("OTEL_TRACES_EXPORTER") == "" {
			return fmt.Errorf("--%s without --traces: no spans are exported; add --traces", name)
		}
	}
	_, err := f.rule()
	return err
}

// rule reads which operations are traced.
func (f *traceFlags) rule() (experiment.Traces, error) {
	rule := experiment.Traces{Limit: f.limit}
	text := strings.TrimSpace(f.beyond)
	if text == "" {
		return rule, nil
	}
	if percent, ok := strings.CutPrefix(text, "p"); ok {
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(p > 0 && p < 100) {
			return rule, fmt.Errorf("--traces-beyond %q: want a percentile between p0 and p100, such as p99.9", f.beyond)
		}
		rule.Share = p / 100
		return rule, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return rule, fmt.Errorf("--traces-beyond %q: want a response time, such as 250ms, or a percentile, such as p99.9", f.beyond)
	}
	rule.Beyond = d
	return rule, nil
}

// passedTraces are the flags as the process of an arm is told them.
type passedTraces struct {
	On       bool   `json:"on,omitempty"`
	Beyond   string `json:"beyond,omitempty"`
	Limit    int    `json:"limit,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
}

func (f *traceFlags) passed() passedTraces {
	return passedTraces{f.on, f.beyond, f.limit, f.endpoint}
}

func (f *traceFlags) take(p passedTraces) {
	f.on, f.beyond, f.limit, f.endpoint = p.On, p.Beyond, p.Limit, p.Endpoint
}
