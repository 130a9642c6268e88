package handoff

import (
	"maps"
	"slices"
	"time"
)

// DialPeak is the busiest 100 ms of dials to a node.
type DialPeak struct {
	Node  string // host:port as far as it is known, else as dialled; AllNodes; "other" beyond 32
	Dials uint64
	At    time.Duration // when these 100 ms began, since the run's base
}

// AllNodes is the Node of dials to all nodes together.
const AllNodes = "all"

// DialBin is the stretch in which dials are counted. Bins begin at multiples of
// it since the run's base.
const DialBin = 100 * time.Millisecond

// peaks counts dials in bins. A dial belongs to the bin in which it began;
// which node it was for is known when it ends. So bins are kept for longer than
// a dial can last, and a count that is reported is that of the whole bin.
// Guarded by the observer's mutex.
type peaks struct {
	keep  int64 // bins
	nodes map[string]*bins
}

type bins struct {
	counts map[int64]uint64
	newest int64
	peak   uint64 // since it was taken last
	at     int64
}

// add counts a dial that began at an instant.
func (p *peaks) add(node string, begun time.Duration) {
	if p.nodes == nil {
		p.nodes = make(map[string]*bins)
	}
	p.in(AllNodes).add(int64(begun/DialBin), p.keep)
	if p.nodes[node] == nil && len(p.nodes) > maxNodes {
		node = "other"
	}
	p.in(node).add(int64(begun/DialBin), p.keep)
}

func (p *peaks) in(node string) *bins {
	b := p.nodes[node]
	if b == nil {
		b = &bins{counts: make(map[int64]uint64)}
		p.nodes[node] = b
	}
	return b
}

func (b *bins) add(bin, keep int64) {
	if bin > b.newest {
		b.newest = bin
		maps.DeleteFunc(b.counts, func(old int64, _ uint64) bool { return old < bin-keep })
	}
	b.counts[bin]++
	if n := b.counts[bin]; n > b.peak {
		b.peak, b.at = n, bin
	}
}

// take returns the peaks since the last time, those of AllNodes first.
func (p *peaks) take() []DialPeak {
	taken := []DialPeak{{Node: AllNodes}}
	for _, node := range slices.Sorted(maps.Keys(p.nodes)) {
		b := p.nodes[node]
		peak := DialPeak{node, b.peak, time.Duration(b.at) * DialBin}
		b.peak, b.at = 0, 0
		switch {
		case node == AllNodes:
			taken[0] = peak
		case peak.Dials > 0:
			taken = append(taken, peak)
		}
	}
	return taken
}

// TakeDialPeaks returns the peaks of dials since it was called last: that of
// AllNodes, also without a dial, and those of the nodes that were dialled. A bin
// that was reported before and has grown is reported again, with all its dials.
func (c *Client) TakeDialPeaks() []DialPeak {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	return c.o.peaks.take()
}
