package isolate

import "time"

// Base is the base instant of a run as another process of the machine can read
// it: by the monotonic clock of the machine where that is known, else by the
// wall clock.
type Base struct {
	Wall      time.Time     `json:"wall"`
	Monotonic time.Duration `json:"monotonic_ns,omitempty"` // of the machine; 0: not known
}

// NewBase returns the base of a run; t must carry a monotonic reading.
func NewBase(t time.Time) Base {
	b := Base{Wall: t.Round(0)}
	if now, machine, ok := together(); ok {
		b.Monotonic = machine - now.Sub(t)
	}
	return b
}

// Time returns the same instant with a reading of this process's clock.
func (b Base) Time() time.Time {
	if b.Monotonic != 0 {
		if now, machine, ok := together(); ok {
			return now.Add(b.Monotonic - machine)
		}
	}
	now := time.Now()
	return now.Add(b.Wall.Sub(now.Round(0)))
}

// together reads the clock of the process and that of the machine at one
// instant. Of several tries the one counts that was least disturbed.
func together() (now time.Time, machine time.Duration, ok bool) {
	const tries = 8
	least := time.Duration(1<<63 - 1)
	for range tries {
		before := time.Now()
		m, known := monotonic()
		took := time.Since(before)
		if !known {
			return now, 0, false
		}
		if took < least {
			least, now, machine = took, before.Add(took/2), m
		}
	}
	return now, machine, true
}
