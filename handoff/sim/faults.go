package sim

import (
	"errors"
	"time"
)

// Faults are what real deployments are not known to do to clients, and a
// client may have to live with all the same. All are off by default; what they
// do is an assumption of ours.
type Faults struct {
	// LostWrites is how far the replica lags that takes over in a failover:
	// what was acknowledged within that time before is lost, though it was
	// acknowledged. In-process store only.
	LostWrites time.Duration
}

func (f Faults) validate(c Config) error {
	switch {
	case f.LostWrites < 0:
		return errors.New("faults: lost writes: want how far the replica lags, such as 100ms")
	case f.LostWrites > 0 && len(c.Shards) > 0:
		return errors.New("faults: lost writes need the in-process store: leave out the shards, or let them lose writes themselves")
	}
	return nil
}
