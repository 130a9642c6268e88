package experiment

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"schload/handoff"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/delivery"
)

const (
	// silence is how long after the load receivers must have heard nothing to be
	// taken for done while messages are missing, and mostSilence how long the
	// wait for them may take in all.
	silence     = 2 * time.Second
	mostSilence = 10 * time.Second

	// mostMessageMarks bounds the marks of gaps of an arm's pool; all are counted.
	mostMessageMarks = 1000
)

// exchange is a pool of an arm that delivers messages: their account, the
// receivers, and what was not read yet. It is the account's Sink and the
// receivers' Listener.
type exchange struct {
	*run
	arm       string
	pool      workload.Pool
	book      *delivery.Book
	receivers *handoff.Receivers

	heard atomic.Int64 // when anything was heard last, since the run's base
	marks atomic.Int64 // of gaps

	mu    sync.Mutex
	parts map[part]*messages
	told  map[part]bool // parts whose zeros were shown

	longest  delivery.Gap // warm-up left out; by messages
	widest   delivery.Gap // by time
	unheard  [2]time.Duration
	errors   [workload.Classes]uint64
	panics   uint64
	retries  uint64
	subs     [3]uint64 // subscriptions: first, again, ended
	subsTold bool
}

// part is the part of the run that messages are filed under, by when they were
// due.
type part struct {
	round int
	phase record.Phase
}

// messages are what was not read yet of one part.
type messages struct {
	results [delivery.Results]uint64
	gaps    uint64
	took    histogram.Histogram
}

// openExchanges makes the accounts of all pools that deliver messages and
// starts their receivers, each on its arm's client. The arms' channels are
// apart.
func (r *run) openExchanges(ctx context.Context, arms []*arm) error {
	for _, a := range arms {
		a.exchanges = make([]*exchange, len(r.Pools))
		for i, pool := range r.Pools {
			pool = pool.WithDefaults()
			if !pool.Kind.Messages() {
				continue
			}
			x := &exchange{run: r, arm: a.name, pool: pool, parts: map[part]*messages{}, told: map[part]bool{}}
			x.book = pool.Book(a.name, r.nonce(), x)
			a.exchanges[i] = x
			receivers, err := a.client.Receive(ctx, handoff.Reception{Kind: pool.Kind, Keys: x.book.Names(), Receivers: pool.Receivers, Block: pool.Block, Listener: x})
			if err != nil {
				return fmt.Errorf("pool %s: %w", pool.Name, err)
			}
			x.receivers = receivers
		}
	}
	return nil
}

// nonce tells the run's keys and messages from those of others, and those of
// its turns from each other.
func (r *run) nonce() uint32 { return uint32(r.Base.UnixNano()/1000) + uint32(r.turns) }

// settleExchanges waits for what is still on its way, stops the receivers,
// reads back what is left with the server, and gives every message its verdict.
func (r *run) settleExchanges(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var settling sync.WaitGroup
	for _, a := range r.arms {
		for _, x := range a.exchanges {
			if x != nil && x.receivers != nil {
				settling.Go(func() { x.settle(ctx) })
			}
		}
	}
	settling.Wait()
}

func (x *exchange) settle(ctx context.Context) {
	x.drain(ctx)
	stopping, cancel := context.WithTimeout(ctx, x.pool.Block+silence)
	defer cancel()
	x.receivers.Stop(stopping)
	if err := x.receivers.Left(ctx, func(key int, payload string) { x.book.Leave(key, payload) }); err != nil {
		x.Timeline.Mark(mark.Mark{At: time.Since(x.Base), Kind: mark.Harness, Name: "messages_not_read_back", Source: "harness", Arm: x.arm, Pool: x.pool.Name,
			Detail: err.Error() + ": what is still with the server counts as lost"})
	}
	x.book.Settle()
}

// drain waits until nothing is missing, or nothing more comes.
func (x *exchange) drain(ctx context.Context) {
	began := time.Since(x.Base)
	x.heard.Store(int64(began))
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for x.book.Awaited() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := time.Since(x.Base)
		if now-time.Duration(x.heard.Load()) > silence || now-began > mostSilence {
			return
		}
	}
}

// since translates an instant of the account, which counts from the load's
// begin.
func (x *exchange) since(at time.Duration) time.Duration { return at + time.Duration(x.began.Load()) }

// file returns the part of the run of a message; x.mu is held.
func (x *exchange) file(due time.Duration) (*messages, part) {
	var p part
	p.round, p.phase = x.recorder.At(x.since(due))
	m := x.parts[p]
	if m == nil {
		m = new(messages)
		x.parts[p] = m
	}
	return m, p
}

// Count implements delivery.Sink.
func (x *exchange) Count(r delivery.Result, due time.Duration) {
	x.mu.Lock()
	m, _ := x.file(due)
	m.results[r]++
	x.mu.Unlock()
}

// Delivered implements delivery.Sink.
func (x *exchange) Delivered(due, took time.Duration) {
	x.mu.Lock()
	m, _ := x.file(due)
	m.took.Record(took)
	x.mu.Unlock()
}

// Gap implements delivery.Sink.
func (x *exchange) Gap(g delivery.Gap) {
	x.mu.Lock()
	m, p := x.file(g.Due)
	m.gaps++
	if p.phase != record.Warmup {
		if g.Messages > x.longest.Messages {
			x.longest = g
		}
		if g.Length() > x.widest.Length() {
			x.widest = g
		}
	}
	x.mu.Unlock()
	x.markGap(g, p.round)
}

func (x *exchange) markGap(g delivery.Gap, round int) {
	m := mark.Mark{At: x.since(g.From), Duration: g.Length(), Kind: mark.Message, Name: "gap", Round: round, Source: "arm", Arm: x.arm, Pool: x.pool.Name,
		Detail: fmt.Sprintf("%s: receiver %d lost %d messages, the first was due at %v", g.Channel, g.Receiver, g.Messages, x.since(g.Due))}
	switch n := x.marks.Add(1); {
	case n > mostMessageMarks+1:
		return
	case n == mostMessageMarks+1:
		m.Kind, m.Name, m.Source, m.Detail = mark.Harness, "gaps_not_listed", "harness", fmt.Sprintf("%d gaps are listed; those that follow are counted only", mostMessageMarks)
	}
	x.Timeline.Mark(m)
}

// Silence implements delivery.Sink.
func (x *exchange) Silence(channel string, from, to time.Duration) {
	if _, phase := x.recorder.At(x.since(from)); phase == record.Warmup {
		return
	}
	x.mu.Lock()
	x.unheard[0] = max(x.unheard[0], to-from)
	x.unheard[1] += to - from
	x.mu.Unlock()
	if to > from && x.marks.Add(1) <= mostMessageMarks {
		x.Timeline.Mark(mark.Mark{At: x.since(from), Duration: to - from, Kind: mark.Message, Name: "unheard", Source: "arm", Arm: x.arm, Pool: x.pool.Name,
			Detail: channel + ": messages reached nobody, as the server says"})
	}
}

// Heard implements handoff.Listener.
func (x *exchange) Heard(key, receiver int, payload string, again bool) {
	now := time.Since(x.Base)
	x.heard.Store(int64(now))
	x.book.Hear(key, receiver, now-time.Duration(x.began.Load()), payload, again)
}

// Failed implements handoff.Listener.
func (x *exchange) Failed(class workload.Class) {
	x.mu.Lock()
	x.errors[class]++
	x.mu.Unlock()
}

// Panicked implements handoff.Listener.
func (x *exchange) Panicked(text string) {
	x.mu.Lock()
	x.panics++
	x.mu.Unlock()
	x.Timeline.Mark(mark.Mark{At: time.Since(x.Base), Kind: mark.Message, Name: "panic", Source: "arm", Arm: x.arm, Pool: x.pool.Name, Detail: text})
}

// Retried implements handoff.Listener.
func (x *exchange) Retried(times int) {
	x.mu.Lock()
	x.retries += uint64(times)
	x.mu.Unlock()
}

// The kinds of turns that subscriptions take.
var turns = [3]string{"first", "again", "ended"}

// Subscribed implements handoff.Listener.
func (x *exchange) Subscribed(again bool) {
	x.mu.Lock()
	if again {
		x.subs[1]++
	} else {
		x.subs[0]++
	}
	x.mu.Unlock()
}

// Unsubscribed implements handoff.Listener.
func (x *exchange) Unsubscribed() {
	x.mu.Lock()
	x.subs[2]++
	x.mu.Unlock()
}

// read adds what was not read yet to an interval.
func (x *exchange) read(interval *record.Interval) {
	x.book.Advance(time.Since(x.Base) - time.Duration(x.began.Load()))
	x.mu.Lock()
	defer x.mu.Unlock()
	out := reading{interval, x.arm, record.Attr{Key: record.AttrPool, Value: x.pool.Name}}
	for p, m := range x.parts {
		out.part(p, m, !x.told[p])
		x.told[p] = true
	}
	clear(x.parts)
	x.readReceivers(out)
	out.level(record.MessageGapLongest, float64(x.longest.Messages))
	out.level(record.MessageGapTime, record.Seconds(x.widest.Length()))
	out.level(record.MessageUnheardTime, record.Seconds(x.unheard[0]), record.Attr{Key: record.AttrType, Value: "longest"})
	out.level(record.MessageUnheardTime, record.Seconds(x.unheard[1]), record.Attr{Key: record.AttrType, Value: "total"})
}

// readReceivers adds what befell the receivers; x.mu is held.
func (x *exchange) readReceivers(out reading) {
	for class, n := range x.errors {
		if n > 0 {
			out.count(record.ReceiverErrors, n, record.Attr{Key: record.AttrOutcome, Value: workload.Class(class).String()})
		}
	}
	if x.panics > 0 {
		out.count(record.ReceiverErrors, x.panics, record.Attr{Key: record.AttrOutcome, Value: "panic"})
	}
	out.count(record.ReceiverRetries, x.retries)
	for turn, n := range x.subs {
		if !x.pool.Kind.Blocks() && (n > 0 || !x.subsTold) {
			out.count(record.ReceiverSubscription, n, record.Attr{Key: record.AttrResult, Value: turns[turn]})
		}
	}
	x.errors, x.panics, x.retries, x.subs, x.subsTold = [workload.Classes]uint64{}, 0, 0, [3]uint64{}, true
}

// reading is an interval as one exchange adds to it.
type reading struct {
	*record.Interval
	arm    string
	inPool record.Attr
}

// part adds one part of the run; the first time with its zeros.
func (r reading) part(p part, m *messages, first bool) {
	phase, round := record.Attr{Key: record.AttrPhase, Value: p.phase.String()}, record.Attr{Key: record.AttrRound, Value: strconv.Itoa(p.round)}
	for result, n := range m.results {
		if n > 0 || first {
			r.count(record.Messages, n, record.Attr{Key: record.AttrResult, Value: delivery.Result(result).String()}, phase, round)
		}
	}
	if m.gaps > 0 || first {
		r.count(record.MessageGaps, m.gaps, phase, round)
	}
	if m.took.Count() > 0 {
		r.Series = append(r.Series, record.Series{Key: record.Key{Arm: r.arm, Pool: r.inPool.Value, Phase: p.phase, Round: p.round}, Delivery: &m.took})
	}
}

func (r reading) attrs(more []record.Attr) []record.Attr {
	return slices.SortedFunc(slices.Values(append(more, r.inPool)), func(a, b record.Attr) int { return strings.Compare(a.Key, b.Key) })
}

func (r reading) count(name string, n uint64, attrs ...record.Attr) {
	r.Counts = append(r.Counts, record.Count{Name: name, Arm: r.arm, Attrs: r.attrs(attrs), Value: n})
}

func (r reading) level(name string, value float64, attrs ...record.Attr) {
	r.Levels = append(r.Levels, record.Level{Name: name, Arm: r.arm, Attrs: r.attrs(attrs), Value: value})
}
