package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"

	"schload/telemetry/mark"
)

// way is where events of a test go.
type way struct {
	mu       sync.Mutex
	fails    error
	rejects  int64
	hangs    bool
	numbers  []int64
	requests int
}

func (w *way) send(ctx context.Context, r *collogs.ExportLogsServiceRequest) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
	if w.hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if w.fails != nil {
		return 0, w.fails
	}
	for _, one := range r.ResourceLogs[0].ScopeLogs[0].LogRecords {
		w.numbers = append(w.numbers, one.Attributes[0].Value.GetIntValue())
	}
	return w.rejects, nil
}

func (w *way) set(change func(*way)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *way) got() (requests int, numbers []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests, slices.Clone(w.numbers)
}

// to starts events that go one way.
func to(w *way) (*events, *outbox) {
	o := &outbox{send: w.send, health: &health{}, interval: time.Second, timeout: 5 * time.Second}
	o.start()
	e := &events{base: base, ways: []*outbox{o}}
	return e, o
}

func whole(numbers []int64) bool {
	for i, n := range numbers {
		if n != int64(i+1) {
			return false
		}
	}
	return true
}

// A receiver that is away loses nothing: what failed is sent again, in order,
// ever more seldom.
func TestEventsAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &way{fails: errors.New("connection refused")}
		e, o := to(w)
		e.begin([]byte("{}"), strings.ToUpper)
		for range 60 {
			for range 20 {
				e.mark(mark.Mark{Kind: mark.Dial})
			}
			time.Sleep(time.Second)
		}
		if requests, numbers := w.got(); requests < 5 || requests > 12 || len(numbers) > 0 {
			t.Errorf("%d requests in a minute, want a few, spaced", requests)
		}
		w.set(func(w *way) { w.fails = nil })
		time.Sleep(maxPause + time.Second)
		if _, numbers := w.got(); len(numbers) != 1201 || !whole(numbers) {
			t.Errorf("%d events arrived, want 1201 in order", len(numbers))
		}
		e.end([]byte("{}"))
		if err := o.close(t.Context()); err != nil || len(w.numbers) != 1202 {
			t.Errorf("%v, %d arrived", err, len(w.numbers))
		}
		if s := o.health.stats().Events; s.Sent != 1202 || s.Lost != 0 || s.Failed == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Memory is bounded: what finds no room is lost and counted, essential kinds
// last, and the end says how many.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &way{fails: errors.New("503")}
		e, o := to(w)
		e.begin([]byte("{}"), strings.ToUpper)
		for range 2 * mostEvents {
			e.mark(mark.Mark{Kind: mark.Dial})
		}
		for range 10 {
			e.mark(mark.Mark{Kind: mark.Outage})
		}
		if len(o.queue) != mostEvents-reservedEvents+10 {
			t.Errorf("%d wait", len(o.queue))
		}
		for range 2 * reservedEvents {
			e.mark(mark.Mark{Kind: mark.Outage})
		}
		if len(o.queue) != mostEvents {
			t.Errorf("%d wait, want at most %d", len(o.queue), mostEvents)
		}
		want := uint64(1 + 2*mostEvents + 10 + 2*reservedEvents - mostEvents)
		if s := o.health.stats().Events; s.Lost != want || o.missing() != want {
			t.Errorf("%+v, want %d lost", s, want)
		}
		w.set(func(w *way) { w.fails = nil })
		_ = o.close(t.Context())
		if whole(w.numbers) || len(w.numbers) != mostEvents {
			t.Errorf("%d arrived without a gap: a reader cannot tell", len(w.numbers))
		}
	})
}

// Nobody waits for a receiver that hangs, and closing is bounded.
func TestEventsNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &way{hangs: true}
		e, o := to(w)
		began := time.Now()
		e.begin([]byte("{}"), strings.ToUpper)
		time.Sleep(2 * time.Second) // it hangs now
		for range 100 {
			e.mark(mark.Mark{Kind: mark.Dial})
		}
		if d := time.Since(began); d != 2*time.Second {
			t.Errorf("marks waited: %v", d-2*time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := o.close(ctx); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if s := o.health.stats().Events; s.Lost != 101 || s.Sent != 0 {
			t.Errorf("%+v, want what still waited lost", s)
		}
	})
}

// What a receiver refuses is lost, and said once.
func TestEventsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		w := &way{rejects: 2}
		e, o := to(w)
		o.health.log = textLogger(&log)
		e.begin([]byte("{}"), strings.ToUpper)
		for range 3 {
			e.mark(mark.Mark{Kind: mark.Dial})
			e.mark(mark.Mark{Kind: mark.Dial})
			time.Sleep(time.Second)
		}
		_ = o.close(t.Context())
		if s := o.health.stats().Events; s.Lost < 4 || s.Lost+s.Sent != 7 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "cause=rejected") {
			t.Errorf("%+v\n%s", s, log.String())
		}
	})
}

// Before the run begins there are no events, and a mark's detail goes out
// without secrets, with its time and fields.
func TestEventOfAMark(t *testing.T) {
	e, o := to(&way{})
	defer o.close(t.Context())
	e.mark(mark.Mark{Kind: mark.Dial})
	if len(o.queue) != 0 {
		t.Error("an event before the run")
	}
	sequence := int64(0)
	request := frame{}.request([]event{{number: 7, at: base.Add(time.Second), name: mark.EventMark,
		mark: mark.Mark{At: time.Second, Kind: mark.Invalid, Arm: "on", Seq: &sequence, Detail: "password hunter2"}}},
		func(text string) string { return strings.ReplaceAll(text, "hunter2", "xxxxx") })
	r := request.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	text := fmt.Sprint(r)
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "password xxxxx") || r.SeverityText != "ERROR" || r.EventName != "schload.mark" ||
		r.TimeUnixNano != uint64(base.Add(time.Second).UnixNano()) || !strings.Contains(text, "schload.mark.sequence") {
		t.Error(text)
	}
}
