package workload

import (
	"context"
	"strconv"
	"testing"
	"time"
)

// The examples of the Redis Cluster specification, and its corner cases of
// hash tags.
func TestSlotOf(t *testing.T) {
	for key, want := range map[string]int{
		"123456789":      0x31c3,
		"foo":            12182,
		"":               0,
		"somekey":        11058,
		"foo{hash_tag}":  2515,
		"bar{hash_tag}x": 2515,
		"hash_tag":       2515,
	} {
		if got := SlotOf(key); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
	for _, same := range [][2]string{
		{"{user1000}.following", "user1000"},
		{"foo{{bar}}zap", "{bar"},
		{"foo{bar}{zap}", "bar"},
	} {
		if SlotOf(same[0]) != SlotOf(same[1]) {
			t.Errorf("%q and %q are in slots %d and %d, want one", same[0], same[1], SlotOf(same[0]), SlotOf(same[1]))
		}
	}
	if SlotOf("foo{}{bar}") == SlotOf("bar") || SlotOf("foo{}") == SlotOf("foo") {
		t.Error("an empty hash tag is no hash tag: the whole key counts")
	}
}

// An operation carries the slot of its key, whether its key was made in advance,
// as it was needed, or for a ledger; one without a key carries none.
func TestOperationSlot(t *testing.T) {
	mix, err := ParseMix("GET=1,SET=1,PING=1,INCR=1,MGET=1,MSET=1,MULTI=1,SETEX=1,XADD=1")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []Keys{{Space: 100}, {Space: namedKeys + 1}, {Space: namedKeys + 1, Prefix: "a{b}:"}} {
		m := newMaker(newRecipe(Pool{Seed: 7, Mix: mix, Keys: keys.withDefaults(), Values: Values{}.withDefaults()}), 0, 1)
		for i := range uint64(1000) {
			var op Operation
			m.build(i, &op, 0)
			want := uint16(0)
			if op.Key != "" {
				want = uint16(SlotOf(op.Key) + 1)
			}
			if op.Slot != want {
				t.Fatalf("%+v: %s %q has slot %d, want %d", keys, op.Command, op.Key, op.Slot, want)
			}
		}
	}
}

// slotJournal counts what asks slots and what was answered.
type slotJournal struct {
	discard
	sent, answered int
	last           time.Duration
	wrong          string
}

func (j *slotJournal) Sent(at time.Duration, ops []Operation) {
	j.sent += len(ops)
	j.last = at
}

func (j *slotJournal) Answered(at time.Duration, ops []Operation, outcomes []Outcome) {
	j.answered += len(ops)
	if at < j.last || len(ops) != len(outcomes) || outcomes[0].Class != OK {
		j.wrong = "answered " + strconv.Itoa(len(outcomes)) + " of " + strconv.Itoa(len(ops))
	}
}

// A sink that asks is told of each operation that is sent, and of its end.
func TestSlotSink(t *testing.T) {
	j := &slotJournal{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	target := &countdown{cancel: cancel}
	target.left.Store(1000)
	tally, err := Run{Base: time.Now(), Pool: Pool{Workers: 1, Pipeline: 4, Schedule: Schedule{Arrival: ClosedLoop}}, Target: target,
		Sink: func() Sink { return j }}.Do(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if j.sent != int(tally.OK) || j.answered != int(tally.OK) || j.wrong != "" {
		t.Errorf("%d sent, %d answered %s, want %d each", j.sent, j.answered, j.wrong, tally.OK)
	}
}

func BenchmarkSlotOf(b *testing.B) {
	n := 0
	for b.Loop() {
		n += SlotOf("schload:ledger:on:main:3:string:17")
	}
	_ = n
}
