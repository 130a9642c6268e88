package export

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
)

// The shape of all HdrHistograms: nanoseconds, three significant digits, as most
// tools have them, so that they can be added to those of others.
const (
	hdrHighest = 24 * time.Hour
	hdrDigits  = 3
	hdrTicks   = 5 // lines for each halving of what is left, as HdrHistogram's own tools print
)

// hdr converts a histogram.
func hdr(h *histogram.Histogram) (*hdrhistogram.Histogram, error) {
	out := hdrhistogram.New(1, int64(hdrHighest), hdrDigits)
	for d, n := range values(h) {
		if n > math.MaxInt64 {
			return nil, fmt.Errorf("%d durations of %v: HdrHistogram counts up to 2^63-1", n, d)
		}
		if err := out.RecordValues(int64(d), int64(n)); err != nil {
			return nil, fmt.Errorf("a duration of %v: HdrHistogram files hold up to %v: %w", d, hdrHighest, err)
		}
	}
	return out, nil
}

// HGRM writes a percentile distribution in milliseconds for each arm, phase and
// time into a directory, which must not exist or be empty, and returns the names
// of the files: ARM.PHASE.TIME.hgrm.
func HGRM(dir string, b *bundle.Bundle, s compare.Summary) ([]string, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: name a directory that does not exist yet", dir)
	}
	t, err := readTimes(b, s, false)
	if err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, errNothing
	}
	ready := map[string]*hdrhistogram.Histogram{}
	for _, p := range t.parts() { // all of them, before the first file is there
		name := fileName(p.name()) + ".hgrm"
		if ready[name] != nil {
			return nil, fmt.Errorf("two arms would be written to %s: give them names that files can have", name)
		}
		if ready[name], err = hdr(t[p]); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name(), err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(ready))
	for _, name := range names {
		err := bundle.WriteWhole(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := ready[name].PercentilesPrint(w, hdrTicks, float64(time.Millisecond))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// HLog writes an HdrHistogram log: one line for each interval, arm, phase and
// time, told apart by the tag ARM.PHASE.TIME. Instants are seconds since the
// whole second before the run's base instant, values nanoseconds.
func HLog(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	base := b.Run.Started.Truncate(time.Second)
	log := hdrhistogram.NewHistogramLogWriter(w)
	log.SetBaseTime(base.UnixMilli())
	for _, write := range []func() error{
		func() error { return log.OutputComment("[schload run " + b.Run.ID + "]") },
		log.OutputLogFormatVersion,
		func() error { return log.OutputBaseTime(base.UnixMilli()) },
		func() error { return log.OutputStartTime(base.UnixMilli()) },
		log.OutputLegend,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	for iv, err := range s.Intervals(b) {
		if err != nil {
			return err
		}
		t := times{}
		t.add(iv, false)
		for _, p := range t.parts() {
			h, err := hdr(t[p])
			if err != nil {
				return fmt.Errorf("%s from %v to %v: %w", p.name(), iv.From, iv.To, err)
			}
			h.SetTag(fileName(p.name()))
			h.SetStartTimeMs(b.Run.Started.Add(iv.From).UnixMilli())
			h.SetEndTimeMs(b.Run.Started.Add(iv.To).UnixMilli())
			if err := log.OutputIntervalHistogram(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileName replaces what neither files nor tags may hold.
func fileName(name string) string {
	out := []rune(name)
	for i, r := range out {
		if r <= ' ' || slices.Contains([]rune(`,/\:*?"<>|`), r) {
			out[i] = '_'
		}
	}
	return string(out)
}
