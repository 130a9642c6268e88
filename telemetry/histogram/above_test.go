package histogram

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Law: a quantile is at most d exactly if no more durations are above d than
// lie behind its rank.
func TestAboveIsQuantile(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 300 {
		scale := []time.Duration{time.Millisecond, 300 * time.Nanosecond, 0}[i%3]
		var h Histogram
		n := 3 + r.IntN(500)
		for range n {
			h.Record(time.Duration(r.ExpFloat64() * float64(scale)))
		}
		for range 20 {
			q, d := 0.5+r.Float64()/2, time.Duration(r.ExpFloat64()*float64(2*scale))
			rank := rankOf(q, uint64(n))
			if rank == 1 || rank == uint64(n) {
				continue
			}
			if got, want := h.Above(d) <= uint64(n)-rank, h.Quantile(q) <= d; got != want {
				t.Fatalf("%d of %d are above %v, the quantile %v is %v: these disagree", h.Above(d), n, d, q, h.Quantile(q))
			}
		}
	}
	if n := new(Histogram).Above(0); n != 0 {
		t.Errorf("%d of nothing are above 0", n)
	}
}
