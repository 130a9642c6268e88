package telemetry

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// scripted answers exports as a function of time.
type scripted struct {
	sdkmetric.Exporter
	answer func() error
	asked  []time.Time
}

func (s *scripted) Export(context.Context, *metricdata.ResourceMetrics) error {
	s.asked = append(s.asked, time.Now())
	return s.answer()
}

// A receiver that is down for a minute is asked a handful of times, and within
// maxPause of its return it is sent to again each interval.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		receiver := &scripted{answer: func() error {
			if time.Since(begin) < time.Minute {
				return errors.New("down")
			}
			return nil
		}}
		s := &spaced{Exporter: receiver, health: new(health), interval: time.Second, urgent: new(atomic.Int64)}
		for range 120 {
			_ = s.Export(t.Context(), nil)
			time.Sleep(time.Second)
		}
		var during, after int
		for _, at := range receiver.asked {
			if at.Sub(begin) < time.Minute {
				during++
			} else {
				after++
			}
		}
		if during > 9 {
			t.Errorf("asked %d times in the minute it was down, want at most 9", during)
		}
		if after < 60-int(maxPause/time.Second) {
			t.Errorf("asked %d times in the minute after", after)
		}
		if got := s.health.stats(); got.Failed != uint64(during) || got.Sent != uint64(after) || got.Held != 120-uint64(during+after) {
			t.Errorf("%+v, want %d failed, %d sent, the rest of 120 held", got, during, after)
		}
	})
}

// A flush is sent although the receiver is to be spared: it is the last chance.
func TestFlushIsNotHeld(t *testing.T) {
	receiver := &scripted{answer: func() error { return errors.New("down") }}
	s := &spaced{Exporter: receiver, health: new(health), interval: time.Hour, urgent: new(atomic.Int64)}
	for range 5 {
		_ = s.Export(t.Context(), nil)
	}
	if len(receiver.asked) != 2 { // the second failure begins the pause
		t.Errorf("asked %d times, want 2", len(receiver.asked))
	}
	s.urgent.Add(1)
	_ = s.Export(t.Context(), nil)
	if len(receiver.asked) != 3 {
		t.Error("the flush was held")
	}
}

// Retry-After is kept to, within reason.
func TestRetryAfter(t *testing.T) {
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	r := &retryAfter{wire: http.DefaultTransport}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	response, err := r.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if wait := time.Until(r.deadline()); wait <= 0 || wait > maxRetryAfter {
		t.Errorf("waits %v, want up to %v", wait, maxRetryAfter)
	}
	now := time.Now()
	for text, want := range map[string]time.Duration{"": 0, "3": 3 * time.Second, "-1": 0, "soon": 0} {
		if got := waitOf(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
