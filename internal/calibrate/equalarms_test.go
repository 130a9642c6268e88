package calibrate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
)

// The probabilities of Wilcoxon's table: with n differences, all positive, it
// is 2^-n; the known one-sided 5 % point of n = 10 is a sum of 10 for the
// negative ones.
func TestSignedRank(t *testing.T) {
	for _, tt := range []struct {
		differences []float64
		want        float64
	}{
		{nil, 1},
		{[]float64{0, 0}, 1},
		{[]float64{1}, 0.5},
		{[]float64{1, 2, 3, 4, 5}, 1.0 / 32},
		{[]float64{-1, -2, -3}, 1},
		{[]float64{-1, -2, -3, -4, 5, 6, 7, 8, 9, 10}, 43.0 / 1024}, // sum of the negative ones 10
		{[]float64{1, 1, 1, 0}, 1.0 / 8},                            // equal ones, and a zero left out
		{[]float64{1, -1}, 3.0 / 4},
	} {
		if got := signedRank(tt.differences); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%v: got %v, want %v", tt.differences, got, tt.want)
		}
	}
}

// felt makes up rounds of an arm: times of the given median, each round's off
// by noise that both arms share, and some of its own.
func felt(own, shared *rand.Rand, median time.Duration, failed int) []round {
	all := make([]round, equalRounds)
	for i := range all {
		r := &all[i]
		level := float64(median) * math.Exp(0.3*shared.NormFloat64()+0.05*own.NormFloat64())
		for range 250 {
			d := time.Duration(level * math.Exp(0.2*own.NormFloat64()))
			r.response.Record(d)
			r.service.Record(d / 2)
		}
		if i%3 == 0 {
			r.failed = uint64(failed)
		}
		r.due = 250 + r.failed
	}
	return all
}

func judged(a, b []round) []string {
	var f finding
	judgeEqual(&f, a, b)
	return f.wrong
}

// Equal arms pass, whatever they share; an arm that is slower, that fails, or
// that does other operations does not.
func TestEqualArmsAreJudged(t *testing.T) {
	pair := func(median time.Duration, failed int) (a, b []round) {
		a = felt(rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(3, 3)), 100*time.Microsecond, 0)
		b = felt(rand.New(rand.NewPCG(2, 2)), rand.New(rand.NewPCG(3, 3)), median, failed)
		return a, b
	}
	if wrong := judged(pair(100*time.Microsecond, 0)); len(wrong) != 0 {
		t.Errorf("equal arms: %q", wrong)
	}
	a, b := pair(110*time.Microsecond, 0)
	for _, wrong := range [][]string{judged(a, b), judged(b, a)} {
		if len(wrong) < 2 || !strings.Contains(wrong[0], "response p50") {
			t.Errorf("10 %% slower: %q", wrong)
		}
	}
	a, b = pair(100*time.Microsecond, 1)
	if wrong := judged(a, b); len(wrong) < 20 || !strings.Contains(wrong[len(wrong)-1], "failed: 0 and 20") {
		t.Errorf("20 failures: %q", wrong)
	}
	a, b = pair(100*time.Microsecond, 0)
	b[7].due--
	if wrong := judged(a, b); len(wrong) != 1 || !strings.Contains(wrong[0], "round 8") {
		t.Errorf("an operation less: %q", wrong)
	}
	if wrong := judged(make([]round, equalRounds), make([]round, equalRounds)); len(wrong) == 0 {
		t.Error("rounds without operations: not noticed")
	}
}

// The test keeps its word: among experiments with nothing but noise, as many
// are called different as the level says. 1000 of them at 5 % in each
// direction: 100, and by chance not beyond 65 to 137 (1 in 10 000).
func TestFalsePositives(t *testing.T) {
	source := rand.New(rand.NewPCG(4, 4))
	found := 0
	for range 1000 {
		x, y := make([]float64, 30), make([]float64, 30)
		for i := range x {
			level := math.Exp(source.NormFloat64())
			x[i], y[i] = math.Round(100*level*math.Exp(0.1*source.NormFloat64())), math.Round(100*level*math.Exp(0.1*source.NormFloat64()))
		}
		if _, p, _ := tilt(x, y, 0); p < 0.05 {
			found++
		}
	}
	if found < 65 || found > 137 {
		t.Errorf("%d of 1000 experiments without a difference have p < 0.05, want about 100", found)
	}
}

// Through the whole instrument: two arms whose replies take equally long pass,
// and one whose replies take a tenth longer is noticed.
func TestEqualArms(t *testing.T) {
	if testing.Short() {
		t.Skip("whole runs of two arms: seconds of processor time, more under the race detector")
	}
	for _, extra := range []time.Duration{0, 10 * time.Microsecond} {
		t.Run(fmt.Sprint(extra), func(t *testing.T) {
			l := inVirtualTime(t, equalArms, spoil{open: func(_ *sim.Simulator, c *handoff.Config) {
				dial, wait := c.Dial, 100*time.Microsecond
				if c.Arm.Name == "on2" {
					wait += extra
				}
				c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					return &slowConn{conn, wait}, err
				}
			}})
			if extra == 0 {
				wantPass(t, l)
			} else {
				wantFail(t, l, "service p50: the first arm differs from the second by -9")
			}
		})
	}
}

// slowConn takes its time to send.
type slowConn struct {
	net.Conn
	wait time.Duration
}

func (c *slowConn) Write(p []byte) (int, error) {
	time.Sleep(c.wait)
	return c.Conn.Write(p)
}
