package calibrate

import (
	"context"
	"time"

	"schload/telemetry/record"
	"schload/workload"
)

// engineRun is one pool on a target in memory, recorded on a tape.
type engineRun struct {
	base      time.Time
	pool      workload.Pool
	target    workload.Target
	until     time.Duration
	lag       func(time.Duration)
	occupancy *workload.Occupancy
	see       func(workload.Sink) workload.Sink // looks on; nil: nobody
}

// ahead is how far ahead of now an engine's base lies, for it to be ready.
const ahead = 50 * time.Millisecond

// reading is how often a tape is read while the engine runs.
const reading = 250 * time.Millisecond

// engine has the real engine offer the pool's load until the end.
func (b *bench) engine(ctx context.Context, t *tape, r engineRun) (workload.Tally, error) {
	if b.spoil.pool != nil {
		b.spoil.pool(&r.pool)
	}
	if r.see == nil {
		r.see = func(s workload.Sink) workload.Sink { return s }
	}
	h := new(workload.Horizon)
	h.End(r.until)
	run := workload.Run{
		Base: r.base, Pool: r.pool.WithDefaults(), Target: r.target, Horizon: h, Lag: r.lag, Occupancy: r.occupancy,
		Sink:  func() workload.Sink { return r.see(t.sink("arm")) },
		Pacer: func() (workload.Pacer, error) { return b.pacer(r.base) },
	}
	stop, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		t.follow(r.base, stop)
	}()
	tally, err := run.Do(ctx)
	close(stop)
	<-read
	return tally, err
}

// follow reads the tape again and again until stop is closed.
func (t *tape) follow(base time.Time, stop <-chan struct{}) {
	ticker := time.NewTicker(reading)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			t.read(max(0, time.Since(base)))
		}
	}
}

// inFlight is how busy workers were since the reading before, as a run's
// intervals have it: what was in flight by the length of the interval, so that
// nothing is lost where a machine lets the reading wait after the interval's end.
type inFlight struct {
	occupancy *workload.Occupancy
	before    time.Duration // in flight until the reading before
}

func (i *inFlight) levels(length time.Duration) []record.Level {
	if length <= 0 {
		return nil
	}
	now := i.occupancy.Read().InFlight
	busy := (now - i.before).Seconds() / length.Seconds()
	i.before = now
	return []record.Level{{Name: record.HarnessInFlight, Arm: "arm", Value: busy, Attrs: []record.Attr{{Key: record.AttrPool, Value: tapePool}}}}
}
