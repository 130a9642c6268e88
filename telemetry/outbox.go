package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
)

// The events that wait are bounded: some 300 bytes each, so that a way out
// holds 5 MB at the most. The last quarter is kept for the kinds without which
// a timeline cannot be read.
const (
	mostEvents     = 16384
	reservedEvents = mostEvents / 4
	batchEvents    = 512
)

// outbox sends events one way: to the OTLP receiver, or into the file. Unlike
// metrics, of which the next export carries everything, an event that is not
// sent is gone; so a batch that fails is sent again, and waits as long as there
// is room. A batch whose answer was lost arrives twice: the events' numbers
// tell.
type outbox struct {
	send     func(context.Context, *collogs.ExportLogsServiceRequest) (rejected int64, err error)
	frame    frame // around the events
	health   *health
	interval time.Duration
	timeout  time.Duration
	asked    *retryAfter
	turn     turn // in which it encodes

	wake  chan chan struct{} // send now; what it holds is closed once all was tried
	stop  context.CancelFunc
	ended chan struct{}

	mu     sync.Mutex
	queue  []event
	redact func(string) string
	lost   uint64
	pause  time.Duration
	until  time.Time
}

func (o *outbox) start() {
	ctx, stop := context.WithCancel(context.Background())
	o.stop, o.ended, o.wake = stop, make(chan struct{}), make(chan chan struct{})
	go o.work(ctx)
}

func (o *outbox) put(one event, redact func(string) string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.redact = redact
	if len(o.queue) >= mostEvents || len(o.queue) >= mostEvents-reservedEvents && !one.essential() {
		o.lost++
		o.health.eventsLost.Add(1)
		return
	}
	o.queue = append(o.queue, one)
}

// missing is how many events were lost so far.
func (o *outbox) missing() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// work sends what waits, once an interval and when it is asked to.
func (o *outbox) work(ctx context.Context) {
	defer close(o.ended)
	ticker := time.NewTicker(o.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if !time.Now().Before(o.until) {
				o.empty(ctx)
			}
		case done := <-o.wake:
			o.empty(ctx)
			close(done)
		}
	}
}

// empty sends batches until nothing waits or one fails.
func (o *outbox) empty(ctx context.Context) {
	for {
		o.mu.Lock()
		batch := o.queue[:min(len(o.queue), batchEvents)]
		redact := o.redact
		o.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		limited, cancel := context.WithTimeout(ctx, o.timeout)
		var rejected int64
		err := o.turn.hold(limited, func(ctx context.Context) (err error) {
			rejected, err = o.send(ctx, o.frame.request(batch, redact))
			return err
		})
		cancel()
		o.settle(err)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.queue = o.queue[len(batch):]
		o.lost += uint64(rejected)
		o.mu.Unlock()
		o.health.eventsSent.Add(uint64(len(batch)) - uint64(rejected))
		if rejected > 0 {
			o.health.eventsLost.Add(uint64(rejected))
			o.health.tellEvents(errRejected)
		}
	}
}

var errRejected = errors.New("partial success: the receiver refused some of the events")

// settle sets the pause after a batch; only the working goroutine calls it.
func (o *outbox) settle(err error) {
	if err == nil {
		o.pause, o.until = 0, time.Time{}
		return
	}
	o.health.eventsFailed.Add(1)
	o.health.tellEvents(err)
	o.until = time.Now().Add(o.pause)
	o.pause = min(max(2*o.pause, o.interval), maxPause)
	if asked := o.asked.deadline(); asked.After(o.until) {
		o.until = asked
	}
}

// flush sends what waits now.
func (o *outbox) flush(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case o.wake <- done:
	case <-o.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close flushes, ends the goroutine, and counts what still waits as lost.
func (o *outbox) close(ctx context.Context) error {
	err := o.flush(ctx)
	o.stop()
	<-o.ended
	o.mu.Lock()
	defer o.mu.Unlock()
	o.health.eventsLost.Add(uint64(len(o.queue)))
	o.lost += uint64(len(o.queue))
	o.queue = nil
	return err
}
