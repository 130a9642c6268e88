package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/handoff"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/ledger"
)

const workers = 16

// BenchmarkClosedLoop sets the harness (engine, client with its observation,
// three histograms, an interval a second) beside a bare go-redis loop with the
// same goroutines, options, commands and values, in turn within one run. ratio
// is the median of the pairs; the budget is 0.97.
func BenchmarkClosedLoop(b *testing.B) {
	addr := realRedis(b)
	each := seconds(b)
	const pairs = 6
	for b.Loop() {
		var ratios, bare, harness []float64
		for range pairs {
			x := bareLoop(b, addr, each)
			y := harnessLoop(b, addr, each)
			bare, harness, ratios = append(bare, x), append(harness, y), append(ratios, y/x)
		}
		b.ReportMetric(median(bare), "bare-ops/s")
		b.ReportMetric(median(harness), "schload-ops/s")
		b.ReportMetric(median(ratios), "ratio")
		b.ReportMetric(slices.Min(ratios), "ratio-min")
		b.ReportMetric(slices.Max(ratios), "ratio-max")
	}
}

func bareLoop(b *testing.B, addr string, length time.Duration) float64 {
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 3, PoolSize: 2 * workers, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer client.Close()
	keys, values := make([]string, workload.DefaultSpace), make([]string, workload.DefaultSpace)
	for i := range keys {
		keys[i] = workload.DefaultPrefix + "string:" + strconv.Itoa(i)
		token := workload.Token(keys[i]) // the harness verifies what it reads
		values[i] = token + strings.Repeat("x", workload.DefaultSize-len(token))
	}
	ctx, end := b.Context(), time.Now().Add(length)
	var total atomic.Uint64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			n := uint64(0)
			for time.Now().Before(end) {
				k := r.IntN(len(keys))
				var err error
				if r.Float64() < 0.2 {
					err = client.Set(ctx, keys[k], values[k], 0).Err()
				} else {
					err = client.Get(ctx, keys[k]).Err()
				}
				if err != nil && err != redis.Nil {
					b.Error(err)
					return
				}
				n++
			}
			total.Add(n)
		})
	}
	wg.Wait()
	return float64(total.Load()) / length.Seconds()
}

func harnessLoop(b *testing.B, addr string, length time.Duration) float64 {
	tally, _ := load(b, addr, workload.Schedule{Arrival: workload.ClosedLoop}, length, 0, nil)
	return float64(tally.OK) / length.Seconds()
}

// BenchmarkLedger sets runs with the ledger of a default run, and of an audit,
// beside runs without, in turn: ratios of the processor time of an operation in
// this process, medians. Unlike throughput it hardly feels a busy neighbour.
func BenchmarkLedger(b *testing.B) {
	addr := realRedis(b)
	each := seconds(b)
	const turns = 6
	for b.Loop() {
		ratios := map[string][]float64{}
		for range turns {
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
	before := processorTime(b)
	tally, _ := load(b, addr, workload.Schedule{Arrival: workload.ClosedLoop}, length, share, nil)
	return (processorTime(b) - before).Seconds() / float64(tally.OK)
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load runs one pool for a time and returns its account and what was recorded.
func load(b *testing.B, addr string, schedule workload.Schedule, length time.Duration, share float64, through func(workload.Target) workload.Target) (workload.Tally, *record.Cumulative) {
	b.Helper()
	mix, err := workload.ParseMix(workload.DefaultMix)
	if err != nil {
		b.Fatal(err)
	}
	arm, err := handoff.ParseArm(handoff.Off)
	if err != nil {
		b.Fatal(err)
	}
	target, err := handoff.ParseTarget("redis://" + addr)
	if err != nil {
		b.Fatal(err)
	}
	client, err := handoff.Open(b.Context(), handoff.Config{Arm: arm, Target: target, Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	if err := client.Warm(b.Context(), workers); err != nil {
		b.Fatal(err)
	}
	var subject workload.Target = client
	if through != nil {
		subject = through(client)
	}
	recorder := record.New(record.Config{Arms: []record.Arm{{Name: "off", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}}}})
	horizon := &workload.Horizon{}
	horizon.End(length)
	run := workload.Run{
		Base: time.Now(), Target: subject, Horizon: horizon, Sink: func() workload.Sink { return recorder.Sink("off", "main") },
		Pool: workload.Pool{Name: "main", Workers: workers, Mix: mix, Seed: 1, Schedule: schedule},
	}
	if share > 0 {
		keys := workload.DefaultSpace / workers
		if share < 1 {
			keys = 16
		}
		run.Ledger = ledger.New(ledger.Config{Prefix: workload.DefaultPrefix, Arm: "off", Pool: "main", Nonce: uint32(run.Base.UnixNano()),
			Spaces: []ledger.Space{ledger.Strings}, Workers: workers, Keys: keys, Share: share})
		if err := run.OpenLedger(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	base := time.Now().Add(20 * time.Millisecond)
	ctx, stop := context.WithCancel(b.Context())
	sum, done := &record.Cumulative{}, make(chan struct{})
	go func() { // the reader of a real run
		defer close(done)
		for {
			select {
			case <-time.After(time.Second):
				sum.Add(recorder.Collect(time.Since(base)))
			case <-ctx.Done():
				sum.Add(recorder.Finish(time.Since(base)))
				return
			}
		}
	}()
	run.Base = base
	tally, err := run.Do(b.Context())
	stop()
	<-done
	if err != nil {
		b.Fatal(err)
	}
	if tally.Failed > 0 {
		b.Errorf("%d operations failed", tally.Failed)
	}
	return tally, sum
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
				tally, sum := load(b, addr, schedule, length, 0, func(t workload.Target) workload.Target {
					sends = &instants{target: t, base: time.Now(), at: make([]time.Duration, 2*schedule.Count(length))}
					return sends
				})
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
		tally, sum := load(b, addr, schedule, 10*time.Second, 0, nil)
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
