package hour

import (
	"math"
	"math/rand/v2"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// play is an hour while it is recorded.
type play struct {
	options  Options
	random   *rand.Rand
	recorder *record.Recorder
	sinks    map[string]workload.SlotSink
	mark     mark.Sink
	ahead    []phase // that have not begun
	now      phase
	ended    int                      // operations that failed, for the turn of classes
	busy     map[string]time.Duration // of workers with operations, by arm, in this second
}

func newPlay(o Options, marks mark.Sink) *play {
	config := record.Config{LateAfter: tooLate, OutageAfter: outage, Slots: record.EqualSlotRanges(16), Marks: marks}
	for _, name := range arms {
		config.Arms = append(config.Arms, record.Arm{Name: name, Pools: []record.Pool{{Name: pool, Operations: operations}}})
	}
	p := &play{
		options: o, random: rand.New(rand.NewPCG(o.Seed, 1)), recorder: record.New(config),
		sinks: map[string]workload.SlotSink{}, mark: marks, ahead: phases(o.Length),
	}
	if p.options.Rate == 0 {
		p.options.Rate = 2000
	}
	for _, name := range arms {
		p.sinks[name] = p.recorder.Sink(name, pool)
	}
	return p
}

// second records what falls due between two instants.
func (p *play) second(from, to time.Duration) {
	for len(p.ahead) > 0 && p.ahead[0].from < to {
		p.now, p.ahead = p.ahead[0], p.ahead[1:]
		p.recorder.Begin(p.now.round, p.now.Phase, p.now.from)
		p.mark(mark.Mark{At: p.now.from, Kind: mark.Phase, Name: p.now.String(), Round: p.now.round, Source: "harness"})
	}
	p.busy = map[string]time.Duration{}
	step := time.Second / time.Duration(p.options.Rate)
	for at := from; at < to; at += step {
		for _, name := range arms {
			p.operate(name, at)
		}
	}
}

// mix draws an operation: half are GETs, and each comes often enough to be in
// every second.
func (p *play) mix() int {
	if n := p.random.IntN(10); n < 5 {
		return 0
	} else {
		return n - 4
	}
}

// operate records one operation. Times are log-normal with a tail, as a busy
// server on the same machine gives them.
func (p *play) operate(arm string, at time.Duration) {
	_, phase := p.recorder.At(at)
	spread := func(middle time.Duration, sigma float64) time.Duration {
		d := float64(middle) * math.Exp(sigma*p.random.NormFloat64())
		if p.random.IntN(50) == 0 {
			d *= 1 + 20*p.random.Float64()
		}
		return time.Duration(d)
	}
	s := workload.Sample{Operation: p.mix(), Intended: at, Outcome: workload.Outcome{Attempts: 1}}
	s.Sent = at + spread(60*time.Microsecond, 0.5)
	s.Done = s.Sent + spread(180*time.Microsecond, 0.4)
	if p.random.Float64() < failures(arm, phase) {
		s.Outcome = workload.Outcome{Class: failure(p.ended), Effect: workload.Indeterminate, Attempts: 4}
		s.Done += spread(20*time.Millisecond, 1)
		p.ended++
	}
	p.busy[arm] += s.ServiceTime() * 51 / 50 // the engine has it a little longer
	sink := p.sinks[arm]
	ops := []workload.Operation{{Index: s.Operation, Command: operations[s.Operation], Slot: uint16(p.random.IntN(workload.SlotCount)) + 1}}
	sink.Due(at, 1)
	sink.Sent(s.Sent, ops)
	sink.Answered(s.Done, ops, []workload.Outcome{s.Outcome})
	sink.Done(s, 1)
}

// beside adds the counters and gauges that a run has of connections and of
// itself.
func (p *play) beside(iv *record.Interval) {
	result := func(text string) []record.Attr { return []record.Attr{{Key: record.AttrResult, Value: text}} }
	of := []record.Attr{{Key: record.AttrPool, Value: pool}}
	for _, name := range arms {
		for _, text := range []string{"started", "succeeded", "failed"} {
			iv.Counts = append(iv.Counts, record.Count{Name: record.Handoffs, Arm: name, Attrs: result(text)})
		}
		iv.Counts = append(iv.Counts,
			record.Count{Name: record.ConnectionDials, Arm: name, Attrs: result("ok")},
			record.Count{Name: record.AttemptsHidden, Arm: name, Attrs: of})
		iv.Levels = append(iv.Levels,
			record.Level{Name: record.ConnectionsRelaxed, Arm: name},
			record.Level{Name: record.Connections, Arm: name, Attrs: []record.Attr{{Key: record.AttrNode, Value: "127.0.0.2:12000"}}, Value: 16},
			record.Level{Name: record.HarnessInFlight, Arm: name, Attrs: of, Value: p.busy[name].Seconds()},
			record.Level{Name: record.HarnessQueue, Arm: name, Attrs: of},
			record.Level{Name: record.HarnessWorkersFull, Arm: name, Attrs: of})
	}
	quantiles := func(name string, values ...string) {
		for _, q := range values {
			iv.Levels = append(iv.Levels, record.Level{Name: name, Attrs: []record.Attr{{Key: record.AttrQuantile, Value: q}}, Value: record.Seconds(time.Duration(1e5 * p.random.ExpFloat64()))})
		}
	}
	quantiles(record.HarnessStartLag, "0.5", "0.99", "1")
	quantiles(record.HarnessSchedLatency, "0.5", "0.99", "1")
	quantiles(record.HarnessGCPause, "0.99", "1")
	for _, name := range []string{record.HarnessCPU, record.HarnessSteal, record.HarnessFiles, record.HarnessMemory, record.HarnessPorts} {
		iv.Levels = append(iv.Levels, record.Level{Name: name, Value: p.random.Float64()})
	}
}

// final is how the hour ended.
func (p *play) final() bundle.Final {
	return bundle.Final{
		Ended: p.options.Started.Add(p.options.Length), Valid: true,
		Arms: []bundle.Proof{
			{Name: "off", Requested: "off", Effective: "off", Connections: 16},
			{Name: "on", Requested: "on", Effective: "on", Connections: 16, OptedIn: 16, Protocols: map[string]uint64{"3": 16}},
		},
	}
}
