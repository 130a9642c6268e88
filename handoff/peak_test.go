package handoff

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// While handoffs hang, each operation dials the old node for itself, which is
// about to leave: a storm of as many dials as operations, when they came.
func TestOverflowStorm(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(6)
		w.listen(nextAddr)
		c := w.warmed(fmt.Sprintf("on+pool_size=%d", n), n)
		c.TakeDialPeaks()
		w.net.Blackhole(nextAddr, true)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n) // all are told, and none is left
		w.alignBins(c)
		peak, at, storm := 0, time.Duration(0), 0
		for range 10 {
			dials := r.IntN(n + 1)
			if dials > peak {
				peak, at = dials, c.o.now()
			}
			storm += dials
			w.together(c, dials)
			w.alignBins(c)
		}
		s, peaks := c.Observe(), c.TakeDialPeaks()
		if int(s.Overflow()) != storm || int(s.Dials.Leaving) != storm || s.Dials.Unused+s.Dials.Failed != 0 {
			t.Errorf("%d operations dialled: overflow %d, %+v", storm, s.Overflow(), s.Dials)
		}
		main := DialPeak{Node: mainAddr, Dials: uint64(peak), At: at}
		if peak > 0 && !slices.Contains(peaks, main) {
			t.Errorf("peaks %+v, want %+v", peaks, main)
		}
		w.net.Blackhole(nextAddr, false)
		time.Sleep(time.Second)
		if s := c.Observe(); int(s.Leaving.HandedOver) != n {
			t.Errorf("%+v, want %d handed over in the end", s.Leaving, n)
		}
	})
}

// alignBins waits for the next bin to begin.
func (w *world) alignBins(c *Client) {
	time.Sleep(DialBin - c.o.now()%DialBin)
}

// The busiest bin is exact, whenever it is asked for, in whichever order dials
// end, and however many marks are dropped.
func TestDialPeakIsExact(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		o := newObserver("on", time.Now(), w.mark)
		defer o.close()
		o.peaks.keep = 50
		type key struct {
			node string
			bin  int
		}
		truth, got := map[key]uint64{}, map[string]DialPeak{}
		take := func() {
			for _, p := range o.peaks.take() {
				if p.Dials > got[p.Node].Dials {
					got[p.Node] = p
				}
			}
		}
		for range 5000 {
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			begun := max(0, o.now()-time.Duration(r.IntN(4000))*time.Millisecond) // it took as long
			node := []string{mainAddr, nextAddr}[r.IntN(2)]
			o.dialFailed(node, node, workload.DialRefused, false, begun, o.now()-begun)
			truth[key{node, int(begun / DialBin)}]++
			truth[key{AllNodes, int(begun / DialBin)}]++
			if r.IntN(100) == 0 {
				take()
			}
		}
		take()
		for node, p := range got {
			most := uint64(0)
			for k, n := range truth {
				if k.node == node {
					most = max(most, n)
				}
			}
			if p.Dials != most || truth[key{node, int(p.At / DialBin)}] != most {
				t.Errorf("%s: %+v, want %d", node, p, most)
			}
		}
		if len(got) != 3 || o.observation().MarksDropped[mark.Dial] == 0 {
			t.Errorf("%d nodes, %d marks dropped: want 3 and some", len(got), o.observation().MarksDropped[mark.Dial])
		}
	})
}

// Nodes are bounded.
func TestDialPeakNodes(t *testing.T) {
	p := peaks{keep: 50}
	for i := range 100 {
		p.add(net.JoinHostPort("127.0.0.1", string(rune('a'+i))), 0)
	}
	if taken := p.take(); len(taken) != maxNodes+2 || taken[0] != (DialPeak{AllNodes, 100, 0}) {
		t.Errorf("%d nodes, the first %+v: want %d and all 100", len(taken), taken[0], maxNodes+2)
	}
}
