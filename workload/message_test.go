package workload

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/workload/delivery"
)

// verdicts is a delivery.Sink that counts.
type verdicts struct {
	mu     sync.Mutex
	counts [delivery.Results]uint64
}

func (v *verdicts) Count(r delivery.Result, _ time.Duration) {
	v.mu.Lock()
	v.counts[r]++
	v.mu.Unlock()
}
func (*verdicts) Delivered(_, _ time.Duration)                 {}
func (*verdicts) Gap(delivery.Gap)                             {}
func (*verdicts) Silence(string, time.Duration, time.Duration) {}

// postman is a target that hands every message over to the account, unless it
// is one of every tenth, which it drops; one of every hundredth it refuses.
type postman struct {
	base time.Time
	book *delivery.Book
	mu   sync.Mutex
	seen int
}

func (p *postman) Do(ctx context.Context, ops []Operation, outcomes []Outcome) {
	for i := range ops {
		p.mu.Lock()
		p.seen++
		n := p.seen
		p.mu.Unlock()
		outcomes[i] = Outcome{Class: OK}
		switch {
		case n%100 == 50:
			outcomes[i] = Outcome{Class: DialRefused, Effect: NotApplied}
		case n%100 == 60:
			outcomes[i] = Outcome{Class: ReadTimeout, Effect: Indeterminate}
		case n%10 == 0:
			ops[i].Reply.Set([]byte("0"), false)
		default:
			ops[i].Reply.Set([]byte("1"), false)
			p.book.Hear(0, 0, time.Since(p.base), string(ops[i].Value), false)
		}
	}
}

// Every message that is sent is accounted for by what became of its operation,
// pipelines and missed operations included.
func TestMessages(t *testing.T) {
	for _, pipeline := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			base := time.Now()
			p := Pool{Name: "news", Kind: KindPubSub, Workers: 4, Pipeline: pipeline, Receivers: 1, Schedule: Schedule{Rate: Constant(1000)}, Values: Values{Size: 200}}.WithDefaults()
			v := new(verdicts)
			target := &postman{base: base, book: p.Book("on", 1, v)}
			h := new(Horizon)
			h.End(time.Second)
			tally, err := Run{Base: base, Pool: p, Target: target, Messages: target.book, Horizon: h,
				Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil }}.Do(t.Context())
			if err != nil || tally.Due != 1000 {
				t.Fatalf("%+v, %v", tally, err)
			}
			target.book.Settle()
			want := [delivery.Results]uint64{delivery.Published: 980, delivery.Unheard: 80, delivery.Indeterminate: 10, delivery.Delivered: 900, delivery.Lost: 80, delivery.Unknown: 10}
			if v.counts != want {
				t.Errorf("pipeline %d: got %v, want %v", pipeline, v.counts, want)
			}
		})
	}
}

func TestMessagePools(t *testing.T) {
	p := Pool{Kind: KindQueue, Workers: 3, Schedule: Schedule{Rate: Constant(1)}}.WithDefaults()
	if err := p.Validate(); err != nil || p.Mix.String() != "LPUSH=1" || p.Channels() != 1 || p.Connections() != 5 || p.Block != DefaultBlock {
		t.Errorf("%+v, %v", p, err)
	}
	if spaces := p.LedgerSpaces(); spaces != nil {
		t.Errorf("a ledger of %v", spaces)
	}
	if p := (Pool{Kind: KindShardedPubSub, Workers: 3}).WithDefaults(); p.Channels() != defaultShards || p.Connections() != 3 || p.Block != 0 {
		t.Errorf("%+v", p)
	}
	rate := Schedule{Rate: Constant(1)}
	for want, p := range map[string]Pool{
		"receivers 2: pools of kind commands":                  {Schedule: rate, Receivers: 2},
		"block 1s: pools of kind commands":                     {Schedule: rate, Block: time.Second},
		"mix GET=1: pools of kind queue send LPUSH":            {Schedule: rate, Kind: KindQueue, Mix: Mix{{"GET", 1}}},
		"arrival closed: messages are due at instants":         {Schedule: Schedule{Arrival: ClosedLoop}, Kind: KindStream},
		"receivers 65: want 1 to 64":                           {Schedule: rate, Kind: KindPubSub, Receivers: 65},
		"space 65: want at most 64":                            {Schedule: rate, Kind: KindPubSub, Keys: Keys{Space: 65}},
		"block 2s: subscribers do not block":                   {Schedule: rate, Kind: KindPubSub, Block: 2 * time.Second},
		"block 1ms: want 1s to":                                {Schedule: rate, Kind: KindQueue, Block: ms},
		"command PUBLISH sends messages: give the pool a kind": {Schedule: rate, Mix: Mix{{"PUBLISH", 1}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
