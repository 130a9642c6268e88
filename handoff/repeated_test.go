package handoff

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/handoff/notice"
)

// A MOVING that comes again is told as what it was. While a connection waits to
// be handed over the library heeds the first one alone, whatever the others
// say: one handoff. Once it was handed over it heeds the next one as any other,
// for it compares no sequence ids (go-redis 9.23): a second handoff, which did
// happen and is therefore counted. An event is a sequence id: the same one again
// is none, an older one that nobody had read is one.
func TestRepeatedMoving(t *testing.T) {
	const seq = 5
	for name, again := range map[string]struct {
		seq      int64
		after    bool   // the takeover, on the connection that took over
		events   uint64 // in all
		handoffs int    // of each connection
		home     string // where connections are in the end
	}{
		"same":                   {seq, false, 1, 1, nextAddr},
		"older":                  {seq - 1, false, 2, 1, nextAddr},
		"newer":                  {seq + 1, false, 2, 1, nextAddr},
		"same after a takeover":  {seq, true, 1, 2, mainAddr},
		"older after a takeover": {seq - 1, true, 2, 2, mainAddr},
	} {
		t.Run(name, func(t *testing.T) {
			seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
				n, times := 1+r.IntN(8), 1+r.IntN(3)
				next := w.listen(nextAddr)
				next.setDelay(time.Millisecond)
				c := w.warmed("on", n)
				repeat := func(s *server) {
					for range times {
						s.push(moving(again.seq, 15*time.Second, mainAddr)) // elsewhere than the first
					}
				}
				w.main.push(moving(seq, 15*time.Second, nextAddr))
				if !again.after {
					repeat(w.main)
				}
				w.together(c, n)
				time.Sleep(time.Second)
				if again.after {
					w.together(c, n)
					repeat(next)
				}
				w.together(c, n)
				time.Sleep(time.Second)
				w.together(c, n)
				s := c.Observe()
				if events := s.Notices.Coverage[notice.Moving]; events.Events != again.events || events.Owed != events.Told {
					t.Errorf("%d connections, %d times: %+v, want %d events, all told", n, times, events, again.events)
				}
				if got := int(s.Notices.Kinds[notice.Moving]); got != n*(1+times) {
					t.Errorf("%d pushes read by %d connections, want each of %d", got, n, 1+times)
				}
				want := n * again.handoffs
				if h := s.Handoff; int(h.Started) != want || int(h.Succeeded) != want || h.Failed+h.Abandoned != 0 || int(s.Leaving.HandedOver) != want {
					t.Errorf("%d connections: %+v, %+v: want %d handoffs each", n, h, s.Leaving, again.handoffs)
				}
				if at := slices.Collect(maps.Keys(s.Nodes)); len(at) != 1 || at[0] != again.home {
					t.Errorf("connections to %v, want %s alone", at, again.home)
				}
			})
		})
	}
}
