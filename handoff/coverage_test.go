package handoff

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/internal/memnet"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
)

// Idle connections do not read what was sent to them: they are stragglers, and
// what the server closes of them it closes untold, whether or not the client
// finds the notice when it uses the dead connection.
func TestStragglers(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		w.listen(nextAddr).setDelay(time.Millisecond)
		c := w.warmed("on", n)
		w.main.push(moving(3, 15*time.Second, nextAddr))
		w.together(c, used)
		time.Sleep(time.Second)
		want := Coverage{Events: 1, Owed: uint64(n), Told: uint64(used)}
		if s := c.Observe(); s.Notices.Coverage[notice.Moving] != want || int(s.Leaving.HandedOver) != used {
			t.Errorf("%d of %d used: %+v, %+v", used, n, s.Notices.Coverage[notice.Moving], s.Leaving)
		}
		if r.IntN(2) == 0 {
			w.main.closeAll(false)
		} else { // as a kernel does: a write passes, and what was sent is read before the end
			w.main.each(func(c *served) { _ = c.Conn.(*memnet.Conn).CloseWrite() })
		}
		w.together(c, n) // all of its connections at once: one by one the client may use a good one again and again
		s := c.Observe()
		if s.Leaving != (Leaving{HandedOver: uint64(used), ClosedUntold: uint64(n - used)}) || s.Notices.Coverage[notice.Moving] != want {
			t.Errorf("%d of %d used, then closed: %+v, %+v", used, n, s.Leaving, s.Notices.Coverage[notice.Moving])
		}
		c.Conclude()
		c.Conclude()
		marks := w.marked(mark.Coverage)
		if len(marks) != 1 || marks[0].Name != "MOVING" || *marks[0].Seq != 3 || int(marks[0].Count) != used || int(marks[0].Of) != n {
			t.Errorf("%d of %d used: marks %+v", used, n, marks)
		}
	})
}

// Connections read at once, and who comes first to count need not have read
// first: no event lasts less than nothing.
func TestReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.warmed("on", 3)
		n := notice.Notice{Kind: notice.Migrating, Seq: 1, Time: 10 * time.Second}
		at := []time.Duration{2 * time.Second, 2*time.Second - 58*time.Microsecond, 2*time.Second - 20*time.Microsecond}
		c.o.mu.Lock()
		for _, number := range slices.Sorted(maps.Keys(c.o.live)) {
			c.o.covered(c.o.live[number], n, at[0])
			at = at[1:]
		}
		c.o.mu.Unlock()
		c.Conclude()
		if marks := w.marked(mark.Coverage); len(marks) != 1 || marks[0].At != 2*time.Second || marks[0].Duration != 0 || marks[0].Count != 3 {
			t.Errorf("marks %+v, want one of three that read at the same instant", marks)
		}
		if told := c.TakeLengths().Notices[notice.Migrating]; told.Count() != 3 || told.Max() != 0 {
			t.Errorf("%d delays up to %v, want three of 0", told.Count(), told.Max())
		}
	})
}

// A straggler that is used after all is one no more, and how late it was told
// is on record.
func TestToldLate(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		late := time.Duration(1+r.IntN(2000)) * time.Millisecond
		c := w.warmed("on", n)
		w.main.push(shards(notice.Migrating, 1))
		w.together(c, 1)
		time.Sleep(late)
		w.together(c, n)
		s, told := c.Observe(), c.TakeLengths().Notices[notice.Migrating]
		if want := (Coverage{Events: 1, Owed: uint64(n), Told: uint64(n)}); s.Notices.Coverage[notice.Migrating] != want {
			t.Errorf("%+v, want %+v", s.Notices.Coverage[notice.Migrating], want)
		}
		// Read at the end of an operation of a millisecond, like the first.
		if int(told.Count()) != n || told.Min() != 0 || told.Max() != late+time.Millisecond && told.Max() != late {
			t.Errorf("%d connections, the last told %v after the first; want %v", told.Count(), told.Max(), late)
		}
		w.main.mu.Lock()
		w.main.hook = joinLate
		w.main.mu.Unlock()
		time.Sleep(time.Second)
		w.together(c, n+2) // two more, which are told when they opt in
		s = c.Observe()
		if want := (Coverage{Events: 1, Owed: uint64(n + 2), Told: uint64(n + 2)}); s.Notices.Coverage[notice.Migrating] != want || c.TakeLengths().Notices != [notice.Kinds]*histogram.Histogram{} {
			t.Errorf("%+v, want %+v and no delay", s.Notices.Coverage[notice.Migrating], want)
		}
		w.main.push(shards(notice.Migrating, 1)) // once more: no event, and nobody is told twice
		w.together(c, n)
		if again := c.Observe().Notices.Coverage; again != s.Notices.Coverage {
			t.Errorf("the same push again: %+v, want %+v", again[notice.Migrating], s.Notices.Coverage[notice.Migrating])
		}
	})
}

// Only the last events are followed; older ones have their mark, and counts stay.
func TestEventsBounded(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n, events := 1+r.IntN(4), followed+r.IntN(2*followed)
		c := w.warmed("on", n)
		for seq := range int64(events) {
			kind := notice.Migrating
			if seq%2 == 1 {
				kind = notice.Migrated
			}
			w.main.push(shards(kind, seq))
			w.together(c, n)
		}
		if marks := len(w.marked(mark.Coverage)); marks != events-followed {
			t.Errorf("%d marks of %d events before the end, want %d", marks, events, events-followed)
		}
		c.Conclude()
		s := c.Observe().Notices.Coverage
		opened, closed := s[notice.Migrating], s[notice.Migrated]
		if int(opened.Events+closed.Events) != events || int(opened.Told+closed.Told) != n*events || opened.Owed != opened.Told || closed.Owed != closed.Told {
			t.Errorf("%d events to %d connections: %+v, %+v", events, n, opened, closed)
		}
		for _, m := range w.marked(mark.Coverage) {
			if int(m.Count) != n || int(m.Of) != n {
				t.Errorf("%+v: want %d of %d", m, n, n)
			}
		}
	})
}
