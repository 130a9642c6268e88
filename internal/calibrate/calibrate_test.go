package calibrate

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
)

var update = flag.Bool("update", false, "rewrite golden files")

// A check that cannot be made fails, one that the machine spoils is noisy, and
// the certificate is as good as its worst line.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		finding finding
		err     error
		want    Verdict
	}{
		{finding{}, nil, Pass},
		{finding{}, errors.New("no sockets"), Fail},
		{finding{wrong: []string{"a"}}, nil, Fail},
		{finding{noise: []string{"b"}}, nil, Noisy},
		{finding{wrong: []string{"a"}, noise: []string{"b"}}, nil, Fail},
	} {
		c := check{name: "x", run: func(context.Context, *bench) (finding, error) { return tt.finding, tt.err }}
		l := c.line(t.Context(), &bench{})
		if l.Verdict != tt.want || (len(l.Reasons) == 0) != (tt.want == Pass) {
			t.Errorf("%+v, %v: got %s %q, want %s", tt.finding, tt.err, l.Verdict, l.Reasons, tt.want)
		}
	}
	if got := worst([]Line{{Verdict: Pass}, {Verdict: Noisy}, {Verdict: Pass}}); got != Noisy {
		t.Errorf("worst with noise: %s", got)
	}
	if got := worst([]Line{{Verdict: Fail}, {Verdict: Noisy}}); got != Fail {
		t.Errorf("worst with a failure: %s", got)
	}
}

func TestOnly(t *testing.T) {
	var began []string
	c, err := Run(t.Context(), Config{Seed: 3, Only: []string{"merging"}, Began: func(done string) { began = append(began, done) }})
	if err != nil || len(c.Lines) != 1 || c.Lines[0].Name != "merging" || c.Verdict != Pass || c.Passed() != 1 || len(began) != 1 {
		t.Errorf("got %+v, %v, want the check merging alone", c, err)
	}
	if len(c.Facts) < 4 || c.Environment.CPUs == 0 || c.Took == 0 {
		t.Errorf("facts %v, environment %+v, took %v", c.Facts, c.Environment, c.Took)
	}
	if _, err := Run(t.Context(), Config{Only: []string{"mergin"}}); err == nil || !strings.Contains(err.Error(), "did you mean merging") {
		t.Errorf("got %v, want a hint", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Config{Only: []string{"merging"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestText(t *testing.T) {
	c := Certificate{
		Verdict: Fail, Date: time.Date(2026, 11, 25, 17, 0, 0, 0, time.UTC), Seed: 1, Took: bundle.Seconds(61500 * time.Millisecond),
		Versions:    bundle.Versions{Schload: "v1.2.3", GoRedis: "v9.23.0"},
		Environment: bundle.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26"},
		Lines: []Line{
			{Name: "stall", Done: "what was done", Expected: "what was known", Found: "what was found", Verdict: Pass, Took: bundle.Seconds(3100 * time.Millisecond)},
			{Name: "schedule", Done: "what was done", Expected: "what was known", Found: "what was found", Verdict: Noisy, Reasons: []string{"the machine"}, Warnings: []string{"a busy one"}, Took: bundle.Seconds(4200 * time.Millisecond)},
			{Name: "equal-arms", Done: "what was done", Expected: "what was known", Found: "what was found", Verdict: Fail, Reasons: []string{"one reason", "another"}, Took: bundle.Seconds(16 * time.Second)},
		},
		Facts: []Fact{{"monotonic clock", "smallest step seen 20ns"}, {"steal", "0.1 %"}},
	}
	var out strings.Builder
	if err := c.Text(&out); err != nil {
		t.Fatal(err)
	}
	c.Verdict, c.Lines = Noisy, c.Lines[:2]
	out.WriteString(c.conclusion() + "\n")
	c.Verdict, c.Lines = Pass, c.Lines[:1]
	out.WriteString(c.conclusion() + "\n")
	const golden = "testdata/certificate.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || out.String() != string(want) {
		t.Errorf("%v; got\n%s\nwant\n%s", err, out.String(), want)
	}
}

// The whole certificate on this machine, in real time: nothing fails. Every
// line passes unless the machine is too busy to tell.
func TestE2ECertificate(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("takes a minute; make e2e runs it")
	}
	c, err := Run(t.Context(), Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lines {
		t.Logf("%s", l.text())
		if l.Verdict == Fail {
			t.Errorf("%s failed: %q", l.Name, l.Reasons)
		}
	}
	if took := c.Took.Duration(); took > 90*time.Second {
		t.Errorf("took %v, want less than 90 s", took)
	}
}
