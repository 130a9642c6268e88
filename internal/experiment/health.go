package experiment

import (
	"time"

	"schload/internal/bundle"
	"schload/internal/vitals"
	"schload/telemetry/record"
	"schload/workload"
)

// occupied returns how busy an arm's workers were in the interval.
func (r *run) occupied(a *arm, length time.Duration) []record.Level {
	if length <= 0 {
		return nil
	}
	var out []record.Level
	for i, o := range a.occupancy {
		now := o.Read()
		before := a.load[i]
		a.load[i] = now
		level := func(name string, value float64) {
			out = append(out, record.Level{Name: name, Arm: a.name, Value: value,
				Attrs: []record.Attr{{Key: record.AttrPool, Value: r.Pools[i].Name}}})
		}
		level(record.HarnessInFlight, (now.InFlight-before.InFlight).Seconds()/length.Seconds())
		level(record.HarnessWorkersFull, (now.Full-before.Full).Seconds()/length.Seconds())
		level(record.HarnessQueue, float64(now.Longest))
	}
	return out
}

// targets returns the rates that the arm's pools are to have at an instant. A
// closed loop has none.
func (r *run) targets(a *arm, now time.Duration) (out []record.Level) {
	at := now - time.Duration(r.began.Load())
	end := time.Duration(r.ceased.Load() - 1)
	loaded := r.began.Load() > 0 && at >= 0 && (end < 0 || now < end)
	for _, pool := range r.Pools {
		if pool.Schedule.Arrival == workload.ClosedLoop {
			continue
		}
		rate := 0.0
		if loaded {
			rate = pool.Schedule.Rate.At(at)
		}
		out = append(out, record.Level{Name: record.TargetRate, Arm: a.name, Value: rate, Attrs: []record.Attr{{Key: record.AttrPool, Value: pool.Name}}})
	}
	return out
}

// occupancies returns one for each pool.
func occupancies(pools []workload.Pool) []*workload.Occupancy {
	all := make([]*workload.Occupancy, len(pools))
	for i := range all {
		all[i] = new(workload.Occupancy)
	}
	return all
}

// vitalSigns returns what the last reading of them says.
func vitalSigns(v vitals.Reading) (levels []record.Level, counts []record.Count) {
	known := func(name string, value float64) {
		if value >= 0 {
			levels = append(levels, record.Level{Name: name, Value: value})
		}
	}
	quantile := func(name, q string, d time.Duration) {
		levels = append(levels, record.Level{Name: name, Attrs: []record.Attr{{Key: record.AttrQuantile, Value: q}}, Value: record.Seconds(d)})
	}
	if v.Length > 0 {
		known(record.HarnessCPU, v.CPU.Seconds()/v.Length.Seconds())
		known(record.HarnessSteal, v.Steal.Seconds()/v.Length.Seconds())
	}
	known(record.HarnessMemory, float64(v.Memory))
	known(record.HarnessFiles, float64(v.Files.Used))
	known(record.HarnessPorts, float64(v.Ports.Used))
	if v.Sched.Count > 0 {
		quantile(record.HarnessSchedLatency, "0.5", v.Sched.P50)
		quantile(record.HarnessSchedLatency, "0.99", v.Sched.P99)
		quantile(record.HarnessSchedLatency, "1", v.Sched.Max)
	}
	if v.Pauses.Count > 0 {
		quantile(record.HarnessGCPause, "0.99", v.Pauses.P99)
		quantile(record.HarnessGCPause, "1", v.Pauses.Max)
	}
	return levels, []record.Count{{Name: record.HarnessClockSteps, Value: v.Steps}}
}

// health is that of the whole run.
func health(v vitals.Reading) *bundle.Health {
	return &bundle.Health{
		Length: bundle.Seconds(v.Length), Processors: v.Processors, CPU: told(v.CPU), Steal: told(v.Steal),
		SchedLatency: spread(v.Sched), GCPause: spread(v.Pauses),
		Memory: max(0, v.Memory), Files: stock(v.Files), Ports: stock(v.Ports), TimeWait: max(0, v.TimeWait),
		ClockSteps: v.Steps, ClockStep: bundle.Seconds(v.Step),
	}
}

func told(d time.Duration) *bundle.Seconds {
	if d < 0 {
		return nil
	}
	s := bundle.Seconds(d)
	return &s
}

func spread(s vitals.Spread) bundle.Spread {
	return bundle.Spread{Count: s.Count, P50: bundle.Seconds(s.P50), P99: bundle.Seconds(s.P99), Max: bundle.Seconds(s.Max), Sum: bundle.Seconds(s.Sum)}
}

func stock(s vitals.Stock) *bundle.Stock {
	if s.Used < 0 || s.Limit < 0 {
		return nil
	}
	return &bundle.Stock{Used: s.Used, Limit: s.Limit}
}
