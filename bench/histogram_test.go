package bench

import (
	"runtime"
	"testing"
)

// manyGoroutines is the number of a busy run's workers.
const manyGoroutines = 64

func BenchmarkHistogram(b *testing.B) {
	for _, r := range recorders {
		b.Run("recorder="+r.name+"/goroutines=1", func(b *testing.B) { one(b, r.start(b)) })
		b.Run("recorder="+r.name+"/goroutines=64", func(b *testing.B) { many(b, r.start(b)) })
	}
}

func one(b *testing.B, start func() func(latency)) {
	record, input := start(), latencies()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		record(input[i&(len(input)-1)])
		i++
	}
}

func many(b *testing.B, start func() func(latency)) {
	input := latencies()
	b.ReportAllocs()
	b.SetParallelism(max(1, manyGoroutines/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		record := start()
		for i := 0; pb.Next(); i++ {
			record(input[i&(len(input)-1)])
		}
	})
}

// Recording allocates nothing: the budget of the record path.
func TestAllocs(t *testing.T) {
	for _, r := range append(recorders, samplers...) {
		if r.name != "schload" {
			continue
		}
		record, input := r.start(t)(), latencies()
		i := 0
		record(input[0])
		n := testing.AllocsPerRun(10_000, func() {
			record(input[i&(len(input)-1)])
			i++
		})
		if n != 0 {
			t.Errorf("%s allocates %v times a record, want 0", r.name, n)
		}
	}
}
