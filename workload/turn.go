package workload

import "time"

// Turn is a run's place among those that share a schedule's instants, such as
// the arms of an experiment. What falls due at one instant cannot be sent at
// one instant: one run is first, and the kernel makes it the same one for as
// long as the runs last, whose service times then hold the sending of the
// others. With turns, which run is first changes from batch to batch, and no
// run has more of it. The zero value is that of a run by itself.
type Turn struct{ Place, Of int }

// apart is how much later than the run before it a run has itself woken. It
// decides on the order and is far below what a pacer is late by.
const apart = time.Microsecond

// delay is for how long after a batch's instant a run's wake-up is put off.
// Of as many batches in a row as there are runs, each run is first once.
//
// Who begins is drawn anew for each such row: taking turns evenly would keep
// step with what comes at regular times itself, such as the kernel's tick.
func (t Turn) delay(batch uint64) time.Duration {
	if t.Of < 2 {
		return 0
	}
	of := uint64(t.Of)
	first := scramble(batch/of)%of + batch
	return apart * time.Duration((first+uint64(t.Place))%of)
}
