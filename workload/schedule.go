package workload

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Arrival is how the intended instants of operations follow each other.
type Arrival uint8

// The arrivals. ClosedLoop has no intended instants: each worker starts its
// next operation when the last one ended, so a slow target is offered less and
// the response time cannot show a wait (coordinated omission). It exists to
// measure capacity and is labelled wherever it appears.
const (
	ConstantArrival Arrival = iota // an even grid
	PoissonArrival                 // exponential gaps, independent of each other
	ClosedLoop
)

var arrivalNames = []string{"constant", "poisson", "closed"}

// String returns the arrival as profiles and flags spell it.
func (a Arrival) String() string { return nameOf("arrival", arrivalNames, a) }

// MarshalText implements encoding.TextMarshaler.
func (a Arrival) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Arrival) UnmarshalText(text []byte) (err error) {
	*a, err = valueOf[Arrival]("arrival", arrivalNames, string(text))
	return err
}

// Schedule says when operations are due. It is a pure function: the same value
// yields the same instants, whatever the target does.
type Schedule struct {
	Arrival Arrival
	Rate    Rate          // operations a second; must be empty for ClosedLoop
	Seed    uint64        // of PoissonArrival
	Think   time.Duration // pause of a ClosedLoop worker between operations
}

// Validate reports everything that is wrong with the schedule.
func (s Schedule) Validate() error {
	errs := []error{s.Rate.Validate()}
	switch {
	case int(s.Arrival) >= len(arrivalNames):
		errs = append(errs, unknown("arrival", s.Arrival.String(), arrivalNames))
	case s.Arrival == ClosedLoop && len(s.Rate.parts) > 0:
		errs = append(errs, fmt.Errorf("rate %s: a closed loop has no rate; leave it out or choose arrival constant or poisson", s.Rate))
	case s.Arrival != ClosedLoop && !(s.Rate.Peak() > 0):
		errs = append(errs, fmt.Errorf("rate %q: arrival %s needs a rate above 0", s.Rate, s.Arrival))
	}
	if s.Think < 0 || s.Think > 0 && s.Arrival != ClosedLoop {
		errs = append(errs, fmt.Errorf("think time %v: want 0, or a positive time with arrival closed", s.Think))
	}
	return errors.Join(errs...)
}

// Instants yields the intended instants in order, until the rate is 0 for
// ever. A ClosedLoop yields none.
//
// The arrivals of rate 1 (0, 1, 2, ... or sums of exponential gaps) are mapped
// through the inverse of the integrated rate, so no error accumulates: the
// i-th instant of a constant rate is i/rate exactly, rounded down to 1 ns.
func (s Schedule) Instants() iter.Seq[time.Duration] { return s.batches(1) }

// batches yields the instants of batches of size operations each.
func (s Schedule) batches(size int) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		if s.Arrival == ClosedLoop {
			return
		}
		c := s.Rate.curve()
		for n := range s.unit() {
			at, ok := c.instant(n * float64(size))
			if !ok || !yield(at) {
				return
			}
		}
	}
}

// poissonStream is the second half of the PCG seed of the gaps. It separates
// them from every other use of the same seed.
const poissonStream = 0x9061550e

// unit yields the arrivals of the process of rate 1.
func (s Schedule) unit() iter.Seq[float64] {
	return func(yield func(float64) bool) {
		if s.Arrival == ConstantArrival {
			for i := 0.0; yield(i); i++ {
			}
			return
		}
		gaps := rand.New(rand.NewPCG(s.Seed, poissonStream))
		for at := gaps.ExpFloat64(); yield(at); at += gaps.ExpFloat64() {
		}
	}
}

// Count returns how many instants are before until. For ConstantArrival it
// takes no time; for PoissonArrival it walks the instants (some 10 ns each).
// It is 0 for a ClosedLoop.
func (s Schedule) Count(until time.Duration) uint64 { return s.countBatches(until, 1) }

func (s Schedule) countBatches(until time.Duration, size int) uint64 {
	if s.Arrival == ConstantArrival {
		return s.Rate.curve().countGrid(until, float64(size))
	}
	count := uint64(0)
	for at := range s.batches(size) {
		if at >= until {
			break
		}
		count++
	}
	return count
}

// countGrid counts the instants of n = 0, size, 2*size, ... before until. The
// integral gives the answer but for rounding; the instants themselves decide.
func (c curve) countGrid(until time.Duration, size float64) uint64 {
	const most = 1 << 53 // beyond it a float64 skips integers
	before := func(k float64) bool {
		at, ok := c.instant(k * size)
		return ok && at < until && k < most
	}
	k := min(math.Ceil(c.expected(until)/size), most)
	for before(k) {
		k++
	}
	for k > 0 && !before(k-1) {
		k--
	}
	return uint64(k)
}
