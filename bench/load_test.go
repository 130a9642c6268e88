package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/handoff"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/ledger"
)

const workers = 16

// BenchmarkLedger sets runs with the ledger of a default run, and of an audit,
// beside runs without, in turn: ratios of the processor time of an operation in
// this process, medians. Unlike throughput it hardly feels a busy neighbour.
func BenchmarkLedger(b *testing.B) {
	addr := realRedis(b)
	each := seconds(b)
	for b.Loop() {
		ratios := map[string][]float64{}
		for range rounds() {
			none := ledgerLoop(b, addr, each, 0)
			ratios["sample"] = append(ratios["sample"], ledgerLoop(b, addr, each, 1.0/16)/none)
			ratios["audit"] = append(ratios["audit"], ledgerLoop(b, addr, each, 1)/none)
			ratios["null"] = append(ratios["null"], ledgerLoop(b, addr, each, 0)/none)
		}
		for name, of := range ratios {
			b.ReportMetric(median(of), name)
			b.ReportMetric(slices.Min(of), name+"-min")
			b.ReportMetric(slices.Max(of), name+"-max")
		}
	}
}

// ledgerLoop runs with a share of the operations in the ledger and returns the
// processor time of one of them, in seconds.
func ledgerLoop(b *testing.B, addr string, length time.Duration, share float64) float64 {
	before := processorTime()
	tally, _ := load{schedule: workload.Schedule{Arrival: workload.ClosedLoop}, share: share}.offer(b, addr, length)
	return (processorTime() - before).Seconds() / float64(tally.OK)
}

// schloadLoop is the harness, closed loop.
func schloadLoop(ctx context.Context, t turn, m *meter) error {
	l := load{turn: t, schedule: workload.Schedule{Arrival: workload.ClosedLoop}}
	tally, sum, err := l.run(ctx, m)
	if err != nil {
		return err
	}
	_, service := merged(sum)
	m.tell(tally.OK, service.Quantile(0.99))
	return nil
}

// load is a run of the harness's parts as schload run puts them together.
type load struct {
	turn
	schedule workload.Schedule
	share    float64 // of the operations in the ledger
	through  func(workload.Target) workload.Target
}

// offer runs with what most benchmarks here have in common.
func (l load) offer(b *testing.B, addr string, length time.Duration) (workload.Tally, *record.Cumulative) {
	b.Helper()
	l.turn = turn{Arm: "off", Addr: addr, Workers: workers, Pipeline: 1, Size: workload.DefaultSize, Length: length}
	tally, sum, err := l.run(b.Context(), new(meter))
	if err != nil {
		b.Fatal(err)
	}
	return tally, sum
}

// run runs one pool for a time and returns its account and what was recorded.
func (l load) run(ctx context.Context, m *meter) (workload.Tally, *record.Cumulative, error) {
	client, err := l.client(ctx)
	if err != nil {
		return workload.Tally{}, nil, err
	}
	defer client.Close()
	mix, err := workload.ParseMix(workload.DefaultMix)
	if err != nil {
		return workload.Tally{}, nil, err
	}
	var subject workload.Target = client
	if l.through != nil {
		subject = l.through(client)
	}
	recorder := record.New(record.Config{Arms: []record.Arm{{Name: l.Arm, Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}}}})
	horizon := &workload.Horizon{}
	horizon.End(l.Length)
	run := workload.Run{
		Base: time.Now(), Target: subject, Horizon: horizon, Sink: func() workload.Sink { return recorder.Sink(l.Arm, "main") },
		Pool: workload.Pool{Name: "main", Workers: l.Workers, Pipeline: l.Pipeline, Mix: mix, Seed: 1, Schedule: l.schedule, Values: workload.Values{Size: l.Size}},
	}
	if err := l.openLedger(ctx, &run); err != nil {
		return workload.Tally{}, nil, err
	}
	const lead = 50 * time.Millisecond // in which the engine makes its keys
	run.Base = time.Now().Add(lead)
	time.AfterFunc(lead, m.start)
	ctx, stop := context.WithCancel(ctx)
	sum, done := &record.Cumulative{}, make(chan struct{})
	go func() { // the reader of a real run
		defer close(done)
		for {
			select {
			case <-time.After(time.Second):
				sum.Add(recorder.Collect(time.Since(run.Base)))
			case <-ctx.Done():
				sum.Add(recorder.Finish(time.Since(run.Base)))
				return
			}
		}
	}()
	tally, err := run.Do(ctx)
	m.stop()
	stop()
	<-done
	if err == nil && tally.Failed > 0 {
		err = fmt.Errorf("%d operations failed", tally.Failed)
	}
	return tally, sum, err
}

func (l load) client(ctx context.Context) (*handoff.Client, error) {
	arm, err := handoff.ParseArm(l.Arm)
	if err != nil {
		return nil, err
	}
	var dial handoff.Dial
	if l.Mirror {
		l.Addr, dial = mirrorAddr, dialMirror
	}
	target, err := handoff.ParseTarget("redis://" + l.Addr)
	if err != nil {
		return nil, err
	}
	client, err := handoff.Open(ctx, handoff.Config{Arm: arm, Target: target, Cluster: l.Cluster, Workers: l.Workers, Dial: dial})
	if err != nil {
		return nil, err
	}
	return client, client.Warm(ctx, l.Workers)
}

func (l load) openLedger(ctx context.Context, run *workload.Run) error {
	if l.share == 0 {
		return nil
	}
	keys := workload.DefaultSpace / l.Workers
	if l.share < 1 {
		keys = 16
	}
	run.Ledger = ledger.New(ledger.Config{Prefix: workload.DefaultPrefix, Arm: l.Arm, Pool: "main", Nonce: uint32(run.Base.UnixNano()),
		Spaces: []ledger.Space{ledger.Strings}, Workers: l.Workers, Keys: keys, Share: l.share})
	return run.OpenLedger(ctx)
}

// BenchmarkOpenLoop offers 10 000 operations a second and reports how late
// they started, and the index of dispersion of the send instants in 1 ms bins:
// 0 is a perfect grid, 1 is Poisson. The budgets are p50 60 us, p99 500 us on
// an idle machine; 0.5 for constant, 0.9 to 1.2 for Poisson arrivals.
func BenchmarkOpenLoop(b *testing.B) {
	addr := realRedis(b)
	for _, arrival := range []workload.Arrival{workload.ConstantArrival, workload.PoissonArrival} {
		b.Run("arrival="+arrival.String(), func(b *testing.B) {
			length := seconds(b)
			schedule := workload.Schedule{Arrival: arrival, Rate: workload.Constant(10_000), Seed: 1}
			for b.Loop() {
				var sends *instants
				tally, sum := load{schedule: schedule, through: func(t workload.Target) workload.Target {
					sends = &instants{target: t, base: time.Now(), at: make([]time.Duration, 2*schedule.Count(length))}
					return sends
				}}.offer(b, addr, length)
				if want := schedule.Count(length); tally.Due != want {
					b.Errorf("%d operations were due, want %d", tally.Due, want)
				}
				lateness, _ := merged(sum)
				b.ReportMetric(float64(tally.Due), "due")
				b.ReportMetric(float64(tally.Missed), "missed")
				b.ReportMetric(micros(lateness.Quantile(0.5)), "lag-p50-us")
				b.ReportMetric(micros(lateness.Quantile(0.99)), "lag-p99-us")
				b.ReportMetric(micros(lateness.Max()), "lag-max-us")
				b.ReportMetric(sends.dispersion(time.Millisecond), "dispersion-1ms")
			}
		})
	}
}

// BenchmarkStall offers 5000 operations a second for 10 s to a server that
// answers nothing for 1 s of them. A tenth of all operations meet the stall,
// evenly spread over it, so the true p99 of the response time is about 906 ms
// (see docs/METHODOLOGY.md); tools that count from the send print a thousandth.
func BenchmarkStall(b *testing.B) {
	addr := realRedis(b)
	admin := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, ReadTimeout: 5 * time.Second})
	defer admin.Close()
	schedule := workload.Schedule{Rate: workload.Constant(5000), Seed: 1}
	for b.Loop() {
		stall := time.AfterFunc(5*time.Second, func() { admin.Do(context.Background(), "DEBUG", "SLEEP", "1") })
		tally, sum := load{schedule: schedule}.offer(b, addr, 10*time.Second)
		stall.Stop()
		_, response := merged(sum)
		p99 := response.Quantile(0.99)
		b.ReportMetric(float64(tally.Due), "due")
		b.ReportMetric(float64(tally.Missed), "missed")
		b.ReportMetric(p99.Seconds()*1000, "p99-ms")
		b.ReportMetric((p99.Seconds()/0.906-1)*100, "p99-error-%")
		b.ReportMetric(response.Max().Seconds()*1000, "max-ms")
	}
}

// merged adds up lateness and response time of all operations.
func merged(sum *record.Cumulative) (lateness, response *histogram.Histogram) {
	lateness, response = &histogram.Histogram{}, &histogram.Histogram{}
	for _, s := range sum.Series() {
		lateness.Merge(s.Lateness)
		response.Merge(s.Response)
	}
	return lateness, response
}

// instants is a target that notes when each operation was sent.
type instants struct {
	target workload.Target
	base   time.Time
	at     []time.Duration
	n      atomic.Int64
}

func (i *instants) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	if n := i.n.Add(1); int(n) <= len(i.at) {
		i.at[n-1] = time.Since(i.base)
	}
	i.target.Do(ctx, ops, outcomes)
}

// dispersion is the index of dispersion (variance by mean) of the counts in
// bins of a width, first and last bin left out.
func (i *instants) dispersion(width time.Duration) float64 {
	at := i.at[:i.n.Load()]
	slices.Sort(at)
	first := at[0] / width
	bins := make([]float64, at[len(at)-1]/width-first+1)
	for _, t := range at {
		bins[t/width-first]++
	}
	bins = bins[1 : len(bins)-1]
	mean, variance := 0.0, 0.0
	for _, n := range bins {
		mean += n / float64(len(bins))
	}
	for _, n := range bins {
		variance += (n - mean) * (n - mean) / float64(len(bins))
	}
	return variance / mean
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
