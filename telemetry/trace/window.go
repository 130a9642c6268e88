package trace

import (
	"math/rand/v2"
	"time"

	"schload/workload"
)

// candidate is an operation that qualified.
type candidate struct {
	sample workload.Sample
	alike  int
	pool   *workload.Pool
}

// draw keeps a fair sample of so many candidates (Vitter's algorithm R), and
// how many operations they stand for in all.
type draw struct {
	seen, operations uint64
	kept             []candidate
}

func (d *draw) offer(c candidate, limit int) {
	d.seen++
	d.operations += uint64(c.alike)
	if len(d.kept) < limit {
		d.kept = append(d.kept, c)
		return
	}
	if i := rand.Uint64N(d.seen); i < uint64(limit) {
		d.kept[i] = c
	}
}

// window is what qualified in one second, by the instant it ended. Failures
// and slow successes are drawn apart: a storm of one must not hide the other.
type window struct {
	second       int64
	failed, slow draw
}

// mostWindows bounds the seconds that wait to be taken. When nobody takes them,
// what comes goes to the last.
const mostWindows = 8

// offer puts a candidate into the window of the second in which it ended. One
// whose window was taken already, because its worker was held up on the way
// here, goes to the first that was not.
func (a *arm) offer(c candidate, limit int) {
	second := int64(c.sample.Done / time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.window(max(second, a.untaken))
	if c.sample.Outcome.Class == workload.OK {
		w.slow.offer(c, limit)
	} else {
		w.failed.offer(c, limit)
	}
}

// window returns the window of a second; a.mu is held.
func (a *arm) window(second int64) *window {
	for i := len(a.windows) - 1; i >= 0; i-- {
		if w := a.windows[i]; w.second == second || w.second < second && len(a.windows) >= mostWindows {
			return w
		}
	}
	if len(a.windows) >= mostWindows {
		return a.windows[0]
	}
	w := &window{second: second}
	i := len(a.windows)
	for i > 0 && a.windows[i-1].second > second {
		i--
	}
	a.windows = append(a.windows, nil)
	copy(a.windows[i+1:], a.windows[i:])
	a.windows[i] = w
	return w
}

// draw returns those that are traced, and how many operations qualified. Where
// both kinds are more than the limit, each gets half, or what the other leaves.
func (w *window) draw(limit int) ([]candidate, uint64) {
	failed, slow := w.failed.kept, w.slow.kept
	share := max((limit+1)/2, limit-len(slow))
	failed = some(failed, min(share, limit))
	slow = some(slow, limit-len(failed))
	return append(failed[:len(failed):len(failed)], slow...), w.failed.operations + w.slow.operations
}

// some returns n of the list, drawn fairly; all if there are no more.
func some(list []candidate, n int) []candidate {
	if len(list) <= n {
		return list
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:n]
}
