package handoff

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/telemetry/mark"
)

// A window that nothing closes is leaked; one whose end is still to come or to
// be read is not.
func TestNeverClosed(t *testing.T) {
	const arm = "on+relaxed_timeout=2s+post_handoff_relaxed=3s"
	scenarios := map[string]struct {
		play        func(w *world, c *Client, n int)
		open, never int // of each connection
	}{
		// The notice that ends it goes to the socket that is no more.
		"moved in between": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(20 * time.Second)
			w.together(c, n)
		}, 1, 1},
		// Two openings, one close.
		"opened twice": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(shards(notice.Migrated, 2))
			w.together(c, n)
		}, 1, 1},
		"nothing closes it": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(20 * time.Second)
			w.together(c, n)
		}, 1, 1},
		// What would close it may be there, and nobody looked.
		"unused since": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 1, 0},
		"not over yet": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(time.Second)
		}, 1, 0},
		"closed": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.FailingOver, 1))
			w.together(c, n)
			w.main.push(shards(notice.FailedOver, 2))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 0, 0},
		"after a handoff": {func(w *world, c *Client, n int) {
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(2 * time.Second)
		}, 1, 0},
		"long after a handoff": {func(w *world, c *Client, n int) {
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 0, 0},
	}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
				n := 1 + r.IntN(8)
				w.listen(nextAddr).setDelay(time.Millisecond)
				c := w.warmed(arm, n)
				scenario := scenarios[name]
				scenario.play(w, c, n)
				c.Conclude()
				c.Conclude()
				s := c.Observe().Relaxed
				if int(s.Windows) != n || int(s.Open) != n*scenario.open || int(s.NeverClosed) != n*scenario.never {
					t.Errorf("%d connections: %+v", n, s)
				}
				h := c.TakeLengths().Relaxed
				if h == nil || int(h.Count()) != n || h.Sum() != s.Time {
					t.Errorf("%d windows: lengths %+v, want %v in all", n, h, s.Time)
				}
				if marks := w.marked(mark.Relaxed); len(marks) != n {
					t.Errorf("%d marks, want %d", len(marks), n)
				}
			})
		})
	}
}

// The notice that closes a window reaches idle connections late: those are
// stragglers, and not leaked.
func TestUnreadCloseIsNoLeak(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		c := w.warmed("on", n)
		w.main.push(shards(notice.Migrating, 1))
		w.together(c, n)
		w.main.push(shards(notice.Migrated, 2))
		w.together(c, used)
		time.Sleep(20 * time.Second)
		c.Conclude()
		s := c.Observe()
		covered := s.Notices.Coverage[notice.Migrated]
		if int(s.Relaxed.Open) != n-used || s.Relaxed.NeverClosed != 0 || int(covered.Owed-covered.Told) != n-used {
			t.Errorf("%d of %d used: %+v, %+v", used, n, s.Relaxed, covered)
		}
	})
}
