package experiment

import (
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// watch reads what was recorded once an interval, hands it on, and takes the
// last reading when the load is over. Its first error goes to watched; it
// keeps reading after one, for the disk may have room again.
func (r *run) watch() {
	ticker := time.NewTicker(r.Interval)
	defer ticker.Stop()
	var first error
	for {
		show, take, told := true, r.recorder.Collect, func() {}
		last, rest := false, false
		select {
		case <-ticker.C:
		case <-r.boundary:
			show = false
		case over := <-r.over:
			show, rest, take, told = false, true, r.recorder.Rest, func() { close(over) }
		case <-r.watching:
			last, take = true, r.recorder.Finish
		}
		interval, err := r.read(take, last || rest)
		told()
		if err != nil && first == nil {
			first = err
		}
		if show {
			r.Progress(r.progress(interval))
		}
		if last {
			r.watched <- first
			return
		}
	}
}

// readNow asks for a reading at the beginning of a phase, so that counts that
// know no phase (dials, closes, notices) fall on the right side of it.
func (r *run) readNow() {
	select {
	case r.boundary <- struct{}{}:
	default: // one is asked for already
	}
}

// read takes one interval of the recorder and passes it to the bundle and the
// exporter. At rest no operation is under way.
func (r *run) read(take func(time.Duration) record.Interval, rest bool) (record.Interval, error) {
	traced := r.takeTraces(time.Since(r.Base), rest)
	interval := take(time.Since(r.Base))
	interval.Counts = append(interval.Counts, traced...)
	r.attaching.Lock() // nobody closes an arm that is being read
	attached := r.arms
	for _, a := range attached {
		a.fileLedgers()
		seen := a.client.Observe()
		interval.Counts = append(interval.Counts, counts(a.name, a.before, seen)...)
		interval.Levels = append(interval.Levels, levels(a.name, seen)...)
		attributed(&interval, a, a.before, seen)
		interval.Levels = append(interval.Levels, r.occupied(a, interval.To-interval.From)...)
		interval.Levels = append(interval.Levels, r.targets(a, interval.To)...)
		a.before = seen
		proof := a.client.Proof()
		interval.Counts = append(interval.Counts, proved(a.name, a.proof, proof)...)
		a.proof = proof
		interval.Counts = append(interval.Counts, a.judged()...)
		for _, x := range a.exchanges {
			if x != nil {
				x.read(&interval)
			}
		}
	}
	interval.Levels = append(interval.Levels, r.resting(attached)...)
	r.attaching.Unlock()
	interval.Levels = append(interval.Levels, r.maintenance()...)
	interval.Levels = append(interval.Levels, r.lag.levels()...)
	signs, steps := vitalSigns(r.vitals.Read())
	interval.Levels = append(interval.Levels, signs...)
	interval.Counts = append(interval.Counts, steps...)
	interval.Levels = append(interval.Levels, r.saturated(interval)...)
	interval.Levels = append(interval.Levels, record.Level{Name: record.RunInfo, Attrs: r.Info, Value: 1})
	interval.Counts = append(interval.Counts, r.Timeline.takeEvents()...)
	if r.picker != nil {
		r.picker.Observe(interval)
	}
	if r.Telemetry != nil {
		r.Telemetry.Interval(interval)
		interval.Counts = append(interval.Counts, r.exported()...)
	}
	return interval, r.bundle.Interval(interval)
}

// maintenance says whether the upgrade is being played, for annotations.
func (r *run) maintenance() []record.Level {
	active := 0.0
	if _, phase := r.Timeline.at(); phase == record.Maintenance.String() {
		active = 1
	}
	return []record.Level{{Name: record.MaintenanceActive, Attrs: []record.Attr{{Key: record.AttrType, Value: r.Upgrade.Name}}, Value: active}}
}

// exported returns the exports since the last reading.
func (r *run) exported() []record.Count {
	stats := r.Telemetry.Stats()
	result := func(name string, n uint64) record.Count {
		return record.Count{Name: record.TelemetryExports, Attrs: []record.Attr{{Key: record.AttrResult, Value: name}}, Value: n}
	}
	counts := []record.Count{result("failed", stats.Failed-r.exports.Failed), result("ok", stats.Sent-r.exports.Sent)}
	r.exports = stats
	return counts
}

// proofs returns what the connections of each arm were found to be.
func (r *run) proofs() []bundle.Proof {
	proofs := make([]bundle.Proof, len(r.Arms))
	for i, a := range r.Arms {
		proofs[i] = r.standings[a.Name].proof
	}
	return proofs
}
