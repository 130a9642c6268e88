package handoff

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/internal/race"
)

// seeded plays a scenario in virtual time, each time with other numbers.
func seeded(t *testing.T, play func(t *testing.T, w *world, r *rand.Rand)) {
	t.Helper()
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { play(t, newWorld(t), rand.New(rand.NewPCG(seed, 1))) })
	}
}

// warmed is an arm with so many connections, to servers that answer a
// millisecond after they are asked: operations at once take one each.
func (w *world) warmed(arm string, n int) *Client {
	w.Helper()
	c := w.config(arm)
	c.Workers = n
	return w.warm(c)
}

func (w *world) warm(c Config) *Client {
	w.Helper()
	client := w.open(c)
	if err := client.Warm(w.Context(), c.Workers); err != nil {
		w.Fatal(err)
	}
	w.main.setDelay(time.Millisecond)
	return client
}

// together sends n operations at once.
func (w *world) together(c *Client, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { do(w.T, c, get("k")) })
	}
	wg.Wait()
}

// Peace leaves nothing to say.
func TestPeaceSaysNothing(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(8)
		c := w.warmed("on", n)
		c.TakeDialPeaks()
		for range 100 {
			w.together(c, n)
			time.Sleep(10 * time.Millisecond)
		}
		c.Conclude()
		s := c.Observe()
		if s.Leaving != (Leaving{}) || s.Relaxed != (Relaxations{}) || s.Notices.Coverage != [notice.Kinds]Coverage{} || s.Overflow()+s.Dials.Leaving+s.Dials.Unused+s.Retries.Hidden != 0 {
			t.Errorf("%+v", s)
		}
		if peaks := c.TakeDialPeaks(); len(peaks) != 1 || peaks[0] != (DialPeak{Node: AllNodes}) {
			t.Errorf("peaks %+v", peaks)
		}
		l := c.TakeLengths()
		if l.Dialled == nil || l.Dialled.Count() != s.Dials.OK {
			t.Errorf("lengths of dials %v, of %d", l.Dialled, s.Dials.OK)
		}
		if l.Opened == nil || l.Opened.Count() != 1 || l.Waited == nil {
			t.Errorf("opened %v, waits %v", l.Opened, l.Waited)
		}
		if l.Dialled, l.Opened, l.Waited = nil, nil, nil; l != (Lengths{}) {
			t.Errorf("lengths %+v", l)
		}
	})
}
