package workload

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rate is the rate of operations as a function of the time since the run's
// base: a row of parts, each constant or linear, the last of which holds its
// final rate for ever. The zero Rate has no parts and offers nothing.
//
// Its text form is that row, comma-separated: "5000" (constant),
// "100..5000/30s" (a ramp over 30 s, then 5000), "1000/10s,5000/20s,0" (steps,
// then silence). Rates are in operations a second, resolved to a millionth.
type Rate struct{ parts []part }

// part is the rate over a span. A span of 0 is the constant that holds for
// ever; only the last part may have it.
type part struct {
	from, to float64
	span     time.Duration
}

// Step is one part of Steps: a constant rate (operations a second) for a time.
type Step struct {
	Rate float64
	For  time.Duration
}

// Constant is the same rate at all times.
func Constant(rate float64) Rate { return Rate{[]part{{from: rate, to: rate}}} }

// Ramp changes the rate linearly over a span, then holds the final rate.
func Ramp(from, to float64, over time.Duration) Rate {
	return Rate{[]part{{from: from, to: to, span: over}}}
}

// Steps is one constant rate after the other; the last one holds on.
func Steps(steps ...Step) Rate {
	var r Rate
	for _, s := range steps {
		r.parts = append(r.parts, part{from: s.Rate, to: s.Rate, span: s.For})
	}
	return r
}

// maxRate is one operation a nanosecond, the resolution of instants; minRate
// is the resolution of rates.
const (
	maxRate = 1e9
	minRate = 1e-6
)

// Validate reports every part that is no rate.
func (r Rate) Validate() error {
	var errs []error
	var total float64
	for i, p := range r.parts {
		errs = append(errs, checkRate(p.from))
		if p.to != p.from {
			errs = append(errs, checkRate(p.to))
		}
		if p.span < 0 || p.span == 0 && (i < len(r.parts)-1 || p.to != p.from) {
			errs = append(errs, fmt.Errorf("rate %s: part %d lasts %v: want a time above 0", r, i+1, p.span))
		}
		total += float64(p.span)
	}
	if total > math.MaxInt64/2 {
		errs = append(errs, fmt.Errorf("rate %s: its parts last longer than 146 years", r))
	}
	return errors.Join(errs...)
}

func checkRate(rate float64) error {
	if rate == 0 || rate >= minRate && rate <= maxRate {
		return nil
	}
	return fmt.Errorf("rate %v: want 0 or %v to %v operations a second", rate, minRate, float64(maxRate))
}

// At returns the rate at an instant, in operations a second.
func (r Rate) At(t time.Duration) float64 {
	rate := 0.0
	for _, p := range r.parts {
		if p.span == 0 || t < p.span {
			return p.at(t)
		}
		rate = p.to
		t -= p.span
	}
	return rate
}

func (p part) at(t time.Duration) float64 {
	if p.from == p.to {
		return p.from
	}
	return p.from + (p.to-p.from)*t.Seconds()/p.span.Seconds()
}

// Peak returns the highest rate, in operations a second.
func (r Rate) Peak() float64 {
	peak := 0.0
	for _, p := range r.parts {
		peak = max(peak, p.from, p.to)
	}
	return peak
}

// Equal reports whether both are made of the same parts.
func (r Rate) Equal(o Rate) bool { return slices.Equal(r.parts, o.parts) }

// String returns the text form.
func (r Rate) String() string {
	var b strings.Builder
	for i, p := range r.parts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(formatRate(p.from))
		if p.to != p.from {
			b.WriteString("..")
			b.WriteString(formatRate(p.to))
		}
		if p.span != 0 || p.to != p.from {
			b.WriteByte('/')
			b.WriteString(p.span.String())
		}
	}
	return b.String()
}

func formatRate(rate float64) string { return strconv.FormatFloat(rate, 'f', -1, 64) }

// ParseRate reads the text form and validates it.
func ParseRate(text string) (Rate, error) {
	var r Rate
	for word := range strings.SplitSeq(text, ",") {
		p, err := parsePart(strings.TrimSpace(word))
		if err != nil {
			return Rate{}, fmt.Errorf("rate %q: %w", text, err)
		}
		r.parts = append(r.parts, p)
	}
	if err := r.Validate(); err != nil {
		return Rate{}, err
	}
	return r, nil
}

func parsePart(word string) (p part, err error) {
	rates, span, timed := strings.Cut(word, "/")
	from, to, linear := strings.Cut(rates, "..")
	if p.from, err = parseRate(from); err != nil {
		return p, err
	}
	p.to = p.from
	if linear {
		if p.to, err = parseRate(to); err != nil {
			return p, err
		}
	}
	if timed {
		p.span, err = time.ParseDuration(strings.TrimSpace(span))
		if err == nil && p.span == 0 {
			err = fmt.Errorf("part %q lasts no time", word)
		}
	}
	return p, err
}

func parseRate(word string) (float64, error) {
	rate, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
	if err != nil || math.IsNaN(rate) {
		return 0, fmt.Errorf("%q is no number: want operations a second (5000), a ramp (100..5000/30s) or steps (1000/10s,5000/20s)", word)
	}
	return rate, nil
}

// MarshalText implements encoding.TextMarshaler.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRate(string(text))
	return err
}
