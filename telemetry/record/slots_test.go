package record

import (
	"slices"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// Equal ranges hold every slot once, and those of fewer shards are unions of
// those of more.
func TestEqualSlotRanges(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 16, MaxSlotRanges} {
		next := 0
		for _, r := range EqualSlotRanges(n) {
			if r.From != next || r.To-r.From+1 < workload.SlotCount/n || r.To-r.From > workload.SlotCount/n {
				t.Errorf("%d ranges: %v after slot %d", n, r, next-1)
			}
			next = r.To + 1
		}
		if next != workload.SlotCount {
			t.Errorf("%d ranges end before slot %d", n, next)
		}
	}
	if got := EqualSlotRanges(16)[15]; got.String() != "15360-16383" {
		t.Errorf("the last of 16 ranges is %v", got)
	}
}

// A slot finds its range; one of none, and no slot, find none.
func TestSlotTable(t *testing.T) {
	ranges := []SlotRange{{0, 9}, {20, 20}, {16000, 16383}}
	table := newSlotTable(ranges)
	for slot := -1; slot < workload.SlotCount; slot++ {
		want := slices.IndexFunc(ranges, func(r SlotRange) bool { return r.From <= slot && slot <= r.To })
		if slot < 0 {
			want = -1
		}
		if got, ok := table.rangeOf(uint16(slot + 1)); ok != (want >= 0) || ok && got != want {
			t.Fatalf("slot %d is in range %d (%v), want %d", slot, got, ok, want)
		}
	}
	if _, ok := table.rangeOf(65535); ok {
		t.Error("what is no slot is in a range")
	}
	if newSlotTable(nil) != nil {
		t.Error("no ranges make a table")
	}
}

// A gap leaves a mark if it is the longest so far, or longer than a fifth of
// what makes an outage; at most one is left by each reading.
func TestGapMarks(t *testing.T) {
	var gaps []time.Duration
	r := oneArm(Config{OutageAfter: 500 * ms, Marks: func(m mark.Mark) {
		if m.Kind == mark.Gap {
			gaps = append(gaps, m.Duration)
		}
	}})
	r.Begin(1, Baseline, 0)
	s := r.Sink("on", "main")
	at := time.Duration(0)
	for i, took := range []time.Duration{30 * ms, 20 * ms, 60 * ms, 50 * ms, 300 * ms, 40 * ms, 110 * ms, 90 * ms} {
		s.Due(at, 1)
		s.Done(sample(0, at, at, at+took, workload.OK), 1)
		at += 3 * time.Second
		r.Collect(at)
		if i == 7 {
			r.Finish(at)
		}
	}
	if want := []time.Duration{30 * ms, 60 * ms, 300 * ms, 110 * ms}; !slices.Equal(gaps, want) {
		t.Errorf("gaps marked: %v, want %v", gaps, want)
	}
	if g := r.Totals("on").Measured.LongestGap; g != 300*ms {
		t.Errorf("the longest is %v, want 300ms", g)
	}
}

// What lies in other stretches is left out once, though these overlap.
func TestStretchOutside(t *testing.T) {
	s := Stretch{10, 20}
	for _, tt := range []struct {
		others []Stretch
		want   time.Duration
	}{
		{nil, 10},
		{[]Stretch{{0, 10}, {20, 30}}, 10},
		{[]Stretch{{beginning, 12}, {18, forever}}, 6},
		{[]Stretch{{11, 15}, {12, 13}, {14, 17}}, 4},
		{[]Stretch{{0, 30}}, 0},
		{[]Stretch{{15, 12}}, 10},
	} {
		if got := s.Outside(tt.others); got != tt.want {
			t.Errorf("%v outside %v is %d, want %d", s, tt.others, got, tt.want)
		}
	}
	if got := (Stretch{5, 3}).Outside(nil); got != 0 {
		t.Errorf("a stretch that ends before it begins has %d", got)
	}
}
