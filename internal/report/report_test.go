package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/internal/compare"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update and read the diff):\n%s", file, diff)
	}
}

func text(t *testing.T, runs ...compare.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, runs...); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line %q ends in spaces", line)
		}
	}
	return b.String()
}

func ms(f float64) bundle.Seconds { return bundle.Seconds(f * float64(time.Millisecond)) }

func quantilesOf(n uint64, p50, p95, p99, longest float64) compare.Quantiles {
	return compare.Quantiles{Count: n, P50: ms(p50), P95: ms(p95), P99: ms(p99), P999: ms(longest), Max: ms(longest)}
}

// rolling is an upgrade that arm off feels and arm on does not.
func rolling() compare.Summary {
	calm := compare.Phase{ResponseTime: quantilesOf(9990, 0.2134, 0.4011, 0.9996, 12.34), ServiceTime: quantilesOf(9990, 0.1534, 0.3411, 0.8996, 12.04)}
	return compare.Summary{
		Schema: compare.Schema, RunID: "20261122-132400-7", Complete: true, Valid: true,
		Upgrade: compare.Upgrade{Name: "rolling", Title: "Rolling upgrade", SCHSupport: "full"},
		Stage:   "sim", Rounds: 3, LateAfter: ms(100), OutageAfter: ms(100), Dir: "runs/rolling",
		Arms: []compare.Arm{
			{
				Name: "on", SCH: compare.SCH{Requested: "on", Effective: "on", Connections: 16, OptedIn: 16},
				Operations: compare.Operations{Due: 20000, OK: 20000, Late: 2},
				Phases: compare.Phases{Baseline: calm, Maintenance: compare.Phase{
					ResponseTime: quantilesOf(10010, 0.2234, 0.5, 2.5, 130), ServiceTime: quantilesOf(10010, 0.2, 0.4, 2.25, 100)}},
				Connections: compare.Connections{Dials: 16, ClosedByClient: 16},
				Notices:     map[string]uint64{"MOVING": 16, "MIGRATED": 16},
				Handoffs:    compare.Handoffs{Started: 16, Succeeded: 16},
			},
			{
				Name: "off", SCH: compare.SCH{Requested: "off", Effective: "off", Connections: 16},
				Operations: compare.Operations{Due: 20000, OK: 18729, Failed: 37, Missed: 1234, Late: 420},
				Errors:     map[string]uint64{"reset": 30, "read_timeout": 7}, MissedReasons: map[string]uint64{"deadline": 1234},
				AttemptsHidden: 12,
				Phases: compare.Phases{Baseline: calm, Maintenance: compare.Phase{
					ResponseTime: quantilesOf(8739, 0.2234, 88.84, 1799, 1801.2), ServiceTime: quantilesOf(8739, 0.2, 0.4, 99.96, 1000)}},
				Connections: compare.Connections{Dials: 48, DialFailures: 32, ClosedByServer: 16},
				Outage:      compare.Outage{Windows: 1, Longest: ms(1801.2), Total: ms(1801.2)},
			},
		},
		Harness: compare.Harness{StartLag: bundle.Lag{Count: 19_980, P50: 41_000, P99: 312_345, Max: 2_100_000}, Exports: bundle.Exports{Sent: 60}},
	}
}

// saturating is a run that looked for a ceiling and met that of the harness.
func saturating() compare.Summary {
	s := rolling()
	s.Mode, s.ClosedLoop, s.Rounds, s.Upgrade = compare.ModeSaturation, true, 1, compare.Upgrade{Name: "none"}
	s.Arms = s.Arms[1:]
	s.Saturation = &compare.Saturation{Pipelining: "pipelines", Workers: 16, Depth: 64, Processor: 812,
		Ceiling: compare.Ceiling{Seconds: 5, Median: 594_851.6, Min: 516_432.2, Max: 701_393}}
	s.Harness.CPU = compare.CPU{Processors: 2, Baseline: 1.92}
	s.Harness.Saturated, s.Harness.SaturatedReasons = true, []string{"it used 1.92 of its 2 processors (limit 90 %): lower the rate or add processors"}
	return s
}

// inPlace is an upgrade that handoffs cannot help with.
func inPlace() compare.Summary {
	s := rolling()
	s.RunID, s.Dir, s.Rounds = "20261122-140000-7", "runs/in-place", 1
	s.Upgrade = compare.Upgrade{Name: "in-place", Title: "In-place upgrade", SCHSupport: "none",
		Assumptions: []string{"the endpoint stalls for 1 s", "the proxy resets connections"}}
	s.Arms[0].Operations = compare.Operations{Due: 20000, OK: 19900, Failed: 100, Late: 40}
	s.Arms[0].Errors = map[string]uint64{"reset": 16, "dial_refused": 84}
	s.Arms[0].Notices, s.Arms[0].Handoffs = nil, compare.Handoffs{}
	s.Arms[0].Outage = compare.Outage{Windows: 3, Longest: ms(2503), Total: ms(6001)}
	s.Arms[1].AttemptsHidden = 0
	s.Warnings = []string{"the upgrade was simulated and rests on 2 assumptions (see there)"}
	return s
}

func TestText(t *testing.T) {
	quiet := rolling()
	quiet.Arms[1].Operations = compare.Operations{Due: 20000, OK: 20000}
	quiet.Arms[1].Errors, quiet.Arms[1].MissedReasons, quiet.Arms[1].Outage = nil, nil, compare.Outage{}

	invalid := rolling()
	invalid.Valid = false
	invalid.InvalidReasons = []string{"arm on was to have handoffs on, but none of its 16 connections opted in", "aborted by the user"}
	invalid.Arms[0].SCH = compare.SCH{Requested: "on", Effective: "off", Connections: 16}

	incomplete := rolling()
	incomplete.Complete = false
	incomplete.Warnings = []string{"metrics.otlp.jsonl: the last line is torn and was left out"}
	incomplete.Arms[0].SCH = compare.SCH{Requested: "on", Effective: "unknown"}
	for i := range incomplete.Arms {
		incomplete.Arms[i].Phases.Maintenance.ResponseTime = quantilesOf(uint64(57*(1-i)), 0.2, 0.3, 0.4, 0.5)
	}

	nothing := rolling()
	for i, a := range nothing.Arms {
		nothing.Arms[i] = compare.Arm{Name: a.Name, SCH: a.SCH}
	}
	nothing.Harness, nothing.Dir, nothing.Stage, nothing.Rounds = compare.Harness{}, "", "", 0

	kept := rolling()
	for i := range kept.Arms {
		kept.Arms[i].Integrity = compare.Integrity{CheckedWrites: 250, CheckedReads: 1000 + uint64(i)}
	}
	lost := rolling()
	lost.Arms[0].Integrity = compare.Integrity{CheckedWrites: 250, CheckedReads: 1000, LostAcknowledgedWrites: 12, StaleReads: 1,
		Linearizable: compare.Linearizable{Keys: 5, Violations: 1}}
	lost.Arms[1].Integrity = compare.Integrity{CheckedWrites: 240, CheckedReads: 990, LostAcknowledgedWrites: 13, DuplicateApplications: 2,
		IndeterminateWrites: compare.Indeterminate{Applied: 3, NotApplied: 4, Unknown: 1}}

	injected := lost
	injected.Injections, injected.Injected = []string{"lost_write=25", "stale_read=1@5s"}, map[string]int{"lost_write": 25, "stale_read": 1}
	injected.Harness.Saturated, injected.Harness.SaturatedReasons = true, []string{"it used 1.94 of its 2 processors (limit 90 %)"}
	attributed := rolling()
	attributed.Arms[0].Attribution = compare.Attribution{
		Saved: compare.Saved{ByRelaxedTimeouts: 12}, Connections: compare.Leaving{HandedOver: 14, ClosedUntold: 2},
		Notices:  compare.Coverage{Events: 2, Connections: 32, Told: 29, Stragglers: 3, Delay: quantilesOf(29, 1.2, 8, 12, 14.5)},
		Dials:    compare.Storm{Peak: 16},
		Handoffs: compare.HandoffTime{SinceDial: quantilesOf(14, 0.3, 3, 3, 3.57), SinceNotice: quantilesOf(1, 3.69, 3.69, 3.69, 3.69)},
		Relaxed:  compare.Relaxed{Windows: 14},
	}
	attributed.Arms[1].Attribution = compare.Attribution{Saved: compare.Saved{ByRetries: 1435}, Dials: compare.Storm{Peak: 32, Surplus: 184}}
	crossed := rolling()
	crossed.Arms[0].Operations.OK, crossed.Arms[0].Operations.Failed = 19993, 7
	crossed.Arms[0].Errors = map[string]uint64{"crossed_reply": 7}
	crossed.Arms[0].CrossedReplies, crossed.Arms[0].SilentReplies = 7, 2

	other := inPlace()
	other.LateAfter = ms(200)
	first := rolling()
	first.Unlike = []compare.Trait{{What: "upgrade", Value: "rolling"}, {What: "profile late_after", Value: `"100ms"`}}
	other.Unlike = []compare.Trait{{What: "upgrade", Value: "in-place"}, {What: "profile late_after", Value: `"200ms"`}}

	cut := inPlace()
	cut.Complete, cut.Upgrade.SCHSupport = false, "partial"

	for name, runs := range map[string][]compare.Summary{
		"rolling":    {rolling()},
		"in-place":   {inPlace()},
		"quiet":      {quiet},
		"invalid":    {invalid},
		"incomplete": {incomplete},
		"nothing":    {nothing},
		"two-runs":   {first, other},
		"kept":       {kept},
		"lost":       {lost},
		"injected":   {injected},
		"attributed": {attributed},
		"crossed":    {crossed},
		"two-bad":    {invalid, cut},
		"pools":      {pooled()},
		"saturation": {saturating()},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, text(t, runs...)) })
	}
}

func TestTextOfNoRuns(t *testing.T) {
	if got := text(t); got != "" {
		t.Errorf("no runs give %q", got)
	}
	noArms := text(t, compare.Summary{RunID: "r", Valid: true, Complete: true})
	if !strings.Contains(noArms, "nothing to compare") {
		t.Errorf("a run without arms gives %q", noArms)
	}
}

type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	screen := &Screen{W: broken{}}
	for name, err := range map[string]error{
		"Text":   Text(broken{}, rolling()),
		"Plain":  Plain(broken{}, Progress{}),
		"Screen": screen.Paint(Progress{}),
		"Clear":  screen.Clear(),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s returned %v, want the writer's error", name, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.001: "0.00100", 0.0123456: "0.0123", 0.9996: "1.00", 1: "1.00", 9.994: "9.99", 9.996: "10.0",
		12.34: "12.3", 99.96: "100", 123.4: "123", 999.6: "1 000", 1801.2: "1 800", 1234567: "1 230 000", -12.34: "-12.3",
	} {
		if got := three(x); got != want {
			t.Errorf("three(%v) = %q, want %q", x, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1 000", 20000: "20 000", 1234567: "1 234 567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 s", 999: "999 ns", 1500: "1.50 µs", 999_499: "999 µs", 999_500: "1.00 ms", 999_500_000: "1.00 s", 2_500_000: "2.50 ms", 1_801_200_000: "1.80 s"} {
		if got := span(d); got != want {
			t.Errorf("span(%d) = %q, want %q", d, got, want)
		}
	}
}

// The title says what decided on the phases and, where nobody led an upgrade,
// when it was.
func TestPhaseSources(t *testing.T) {
	spans := []compare.Span{{From: ms(31_400), To: ms(45_000)}, {From: ms(90_000), To: ms(95_000)}}
	for source, want := range map[string]string{
		"stage": "1 round, phases from stage\n", "none": "1 round, all baseline\n",
		"notices": "1 round, phases from notices: maintenance 0:31 to 0:45 and 1:30 to 1:35\n",
		"data":    "1 round, phases from data: maintenance 0:31 to 0:45 and 1:30 to 1:35\n",
	} {
		s := compare.Summary{RunID: "r", Valid: true, Complete: true, Rounds: 1, PhaseSource: source, Maintenance: spans}
		if got := text(t, s); !strings.Contains(got, want) {
			t.Errorf("%s:\n%swant %q", source, got, want)
		}
	}
}
