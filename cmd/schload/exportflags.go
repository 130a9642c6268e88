package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/internal/experiment"
	"schload/profiles"
	"schload/telemetry"
)

// exportFlags say where a run's metrics go besides its bundle.
type exportFlags struct {
	endpoint   string
	protocol   string
	headers    []string
	insecure   bool
	tls        telemetry.TLSFiles
	file       string
	histograms string
	prometheus string
	testing    bool
	traces     traceFlags
	rounds     bool
	marks      bool
}

func (f *exportFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.endpoint, "otlp-endpoint", "", "export metrics to this OTLP receiver: http://host:4318 or grpc://host:4317 (default: OTEL_* variables, else none)")
	flags.StringVar(&f.protocol, "otlp-protocol", "", "grpc or http/protobuf (default: by the endpoint)")
	flags.StringArrayVar(&f.headers, "otlp-header", nil, "header of each export, NAME=VALUE; may be repeated. Secrets are better in OTEL_EXPORTER_OTLP_HEADERS, which no process list shows")
	flags.StringVar(&f.tls.CA, "otlp-ca-file", "", "PEM file of the CA that the receiver's certificate is checked against (default: OTEL_EXPORTER_OTLP_CERTIFICATE, else the system's)")
	flags.StringVar(&f.tls.Certificate, "otlp-cert-file", "", "PEM file of a certificate of ours, for a receiver that asks for one; with --otlp-key-file")
	flags.StringVar(&f.tls.Key, "otlp-key-file", "", "PEM file of its key")
	flags.BoolVar(&f.insecure, "otlp-insecure", false, "send without TLS to an endpoint that is given without a scheme: host:4317")
	flags.StringVar(&f.file, "otlp-file", "", "append metrics to this file as OTLP/JSON, a line for each export; - is standard output")
	flags.StringVar(&f.histograms, "histograms", "", "exported as native (exponential, as recorded) or classic (explicit buckets, for dashboards that know no others)")
	flags.BoolVar(&f.testing, "redis-testing-metrics", false, "export also the metrics that Redis' testing applications share: "+strings.Join(testingAppNames(), ", "))
	f.traces.register(flags)
	flags.BoolVar(&f.rounds, "export-rounds", false, "export each round as series of its own (schload.round) instead of summing rounds: as many times the series as the run has rounds")
	flags.BoolVar(&f.marks, "export-marks", false, "export by OTLP also the timeline (marks, as log events) and run.json: with --export-rounds, which it implies, all that the bundle has; schload compare reads what a collector wrote of it; OTEL_LOGS_EXPORTER=otlp does the same")
	flags.StringVar(&f.prometheus, "prometheus", "", "serve metrics for Prometheus on this address, such as 127.0.0.1:9464")
}

// testingAppNames are those of the metrics of Redis' testing applications.
func testingAppNames() (names []string) {
	for _, m := range telemetry.TestingAppMetrics() {
		names = append(names, m.Name)
	}
	return names
}

// check finds what is wrong before anything is started.
func (f *exportFlags) check(stdoutTaken bool, given func(string) bool) error {
	for name, value := range map[string]string{"otlp-endpoint": f.endpoint, "otlp-protocol": f.protocol, "otlp-file": f.file,
		"otlp-ca-file": f.tls.CA, "otlp-cert-file": f.tls.Certificate, "otlp-key-file": f.tls.Key,
		"histograms": f.histograms, "prometheus": f.prometheus} {
		if given(name) && strings.TrimSpace(value) == "" {
			return fmt.Errorf("--%s is empty: give a value, or leave the flag out", name)
		}
	}
	if f.file == telemetry.Stdout && stdoutTaken {
		return fmt.Errorf("--otlp-file - with --json: both would be written to standard output; name a file")
	}
	_, err := f.header()
	return errors.Join(err, f.traces.check(given))
}

// checkAttributes refuses attributes of the profile that would be taken for
// schload's own.
func checkAttributes(attributes map[string]string) error {
	const most = 32
	if len(attributes) > most {
		return fmt.Errorf("attributes: %d of them, want at most %d: each is a label on every series", len(attributes), most)
	}
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		switch value := attributes[key]; {
		case key == "" || len(key) > 255 || len(value) > 255:
			return fmt.Errorf("attributes: %q: want keys of 1 to 255 bytes and values of at most 255", key)
		case telemetry.ReservedAttribute(key):
			return fmt.Errorf("attributes: %q: schload, or the conventions it follows, state this attribute themselves; choose another name, such as team.%s", key, key)
		}
	}
	return nil
}

// header reads the headers. A value may be a secret and is not repeated.
func (f *exportFlags) header() (map[string]string, error) {
	if len(f.headers) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("--otlp-header: want NAME=VALUE, such as authorization=\"Bearer ...\"")
		}
		out[name] = value
	}
	return out, nil
}

// start starts exporting, if flags or OTEL_* variables ask for it.
func (f *exportFlags) start(ctx context.Context, id string, base time.Time, c experiment.Config, p profiles.Profile, instance, server string, stdoutTaken bool) (*telemetry.Exporter, error) {
	headers, err := f.header()
	if err != nil {
		return nil, err
	}
	console := os.Stdout
	if stdoutTaken { // OTEL_METRICS_EXPORTER=console must not write among the results
		console = os.Stderr
	}
	config := telemetry.Config{
		Endpoint: f.endpoint, Protocol: f.protocol, Headers: headers, Insecure: f.insecure, TLSFiles: f.tls, Prometheus: f.prometheus,
		Traces: f.traces.on, TracesEndpoint: f.traces.endpoint,
		File: f.file, Console: console, Histograms: telemetry.Histograms(f.histograms), Rounds: f.rounds, Marks: f.marks,
		Attributes: p.Attributes, RunID: id, InstanceID: instance, Upgrade: c.Upgrade.Name, Profile: p.Name, ServiceVersion: buildVersions()["schload"], Library: "go-redis:" + buildVersions()["go-redis"], Server: server, Base: base,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if f.testing {
		config.TestingApp = "go-" + p.Name
	}
	for _, a := range c.Arms {
		config.Arms = append(config.Arms, a.Name)
	}
	return telemetry.Start(ctx, config)
}

// ended says at the end what did not arrive, or not as it was, and why.
func ended(stderr io.Writer, s telemetry.Stats) {
	if s.Overflowed > 0 {
		fmt.Fprintf(stderr, "schload: exports: a series beyond the bound of its metric was merged with others (otel.metric.overflow) %s times; the bundle has them all\n", bundle.Count(s.Overflowed))
	}
	if s.SpansLost > 0 {
		fmt.Fprintf(stderr, "schload: spans: %s sent, %s lost\n", bundle.Count(s.SpansSent), bundle.Count(s.SpansLost))
	}
	if e := s.Events; e.Lost > 0 {
		fmt.Fprintf(stderr, "schload: marks: %s events sent, %s lost; the bundle has everything\n", bundle.Count(e.Sent), bundle.Count(e.Lost))
	}
	if s.Failed+s.Held == 0 {
		return
	}
	var causes []string
	for cause, n := range s.Causes {
		causes = append(causes, fmt.Sprintf("%s %s", cause, bundle.Count(n)))
	}
	slices.Sort(causes)
	fmt.Fprintf(stderr, "schload: exports: %s sent, %s failed (%s), %s held back; the bundle has everything\n",
		bundle.Count(s.Sent), bundle.Count(s.Failed), strings.Join(causes, ", "), bundle.Count(s.Held))
}

// passedExports are the flags as the process of an arm is told them: all but
// those that a run with such processes refuses (checkIsolate).
type passedExports struct {
	Endpoint   string   `json:"endpoint,omitempty"`
	Protocol   string   `json:"protocol,omitempty"`
	Headers    []string `json:"headers,omitempty"`
	Histograms string   `json:"histograms,omitempty"`
	Testing    bool     `json:"testing,omitempty"`
	Rounds     bool     `json:"rounds,omitempty"`
	Insecure   bool     `json:"insecure,omitempty"`

	TLS    telemetry.TLSFiles `json:"tls,omitzero"`
	Traces passedTraces       `json:"traces,omitzero"`
}

func (f *exportFlags) passed() passedExports {
	return passedExports{f.endpoint, f.protocol, f.headers, f.histograms, f.testing, f.rounds, f.insecure, f.tls, f.traces.passed()}
}

func (f *exportFlags) take(p passedExports) {
	f.endpoint, f.protocol, f.headers, f.histograms, f.testing = p.Endpoint, p.Protocol, p.Headers, p.Histograms, p.Testing
	f.rounds, f.insecure, f.tls = p.Rounds, p.Insecure, p.TLS
	f.traces.take(p.Traces)
}
