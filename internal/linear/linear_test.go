package linear

import (
	"math/rand/v2"
	"testing"
	"time"

	"schload/workload/ledger"
)

func write(began, ended int64, saw uint64) ledger.Event {
	return ledger.Event{Began: began, Ended: ended, Writes: true, Saw: saw, Times: 1}
}

func read(began, ended int64, saw uint64) ledger.Event {
	return ledger.Event{Began: began, Ended: ended, Saw: saw, Times: 1}
}

func TestCheck(t *testing.T) {
	open := ledger.Event{Began: 1, Writes: true, Blind: true, Times: 1}
	twice := write(1, 2, 0)
	twice.Times = 2
	void := write(3, 4, 7)
	void.Void = true
	for _, tt := range []struct {
		name string
		want Result
		of   []ledger.Event
	}{
		{"nothing", OK, nil},
		{"one after another", OK, []ledger.Event{write(1, 2, 0), read(3, 4, 1), write(5, 6, 1), read(7, 8, 3)}},
		{"a value from before the run", OK, []ledger.Event{read(1, 2, ledger.Foreign), write(3, 4, ledger.Foreign)}},
		{"stale", Violated, []ledger.Event{write(1, 2, 0), write(3, 4, 1), read(5, 6, 1)}},
		{"concurrent, either order", OK, []ledger.Event{write(1, 5, 2), write(2, 6, 0), read(7, 8, 1)}},
		{"two replaced the same", Violated, []ledger.Event{write(1, 2, 0), write(3, 6, 1), write(4, 5, 1)}},
		{"lost", Violated, []ledger.Event{write(1, 2, 0), read(3, 4, 0)}},
		{"never ended, applied late", OK, []ledger.Event{open, write(2, 3, 0), read(4, 5, 2), read(6, 7, 1)}},
		{"never ended, never applied", OK, []ledger.Event{open, write(2, 3, 0), read(4, 5, 2)}},
		{"never ended, applied and taken back", Violated, []ledger.Event{open, write(2, 3, 0), read(4, 5, 1), read(6, 7, 2)}},
		{"sent twice", OK, []ledger.Event{twice, write(3, 4, 1), read(5, 6, 1)}},
		{"sent once", Violated, []ledger.Event{write(1, 2, 0), write(3, 4, 1), read(5, 6, 1)}},
		{"void", OK, []ledger.Event{write(1, 2, 0), void, read(5, 6, 1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Check(tt.of, time.Minute); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// Histories of a real register, with overlapping clients and writes whose end
// nobody saw, are linearizable; with one reply falsified they are not.
func TestHistories(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		events := history(rng, 48)
		if got := Check(events, time.Minute); got != OK {
			t.Fatalf("seed %d: %v: %+v", seed, got, events)
		}
		falsify(rng, events)
		if got := Check(events, time.Minute); got != Violated {
			t.Fatalf("seed %d: falsified, but %v: %+v", seed, got, events)
		}
	}
}

// history lets operations take effect somewhere between beginning and end.
func history(rng *rand.Rand, n int) []ledger.Event {
	events := make([]ledger.Event, n)
	var clock int64
	state := uint64(0)
	var running []int
	for begun := 0; begun < n || len(running) > 0; clock++ {
		if begun < n && (len(running) == 0 || len(running) < 4 && rng.IntN(2) == 0) {
			events[begun] = ledger.Event{Began: clock, Writes: rng.IntN(2) == 0, Times: 1}
			running = append(running, begun)
			begun++
			continue
		}
		k := rng.IntN(len(running))
		i := running[k]
		running = append(running[:k], running[k+1:]...)
		e := &events[i]
		if e.Writes && rng.IntN(10) == 0 { // nobody sees it end
			e.Blind = true
			if rng.IntN(2) == 0 {
				state = uint64(i + 1)
			}
			continue
		}
		e.Saw, e.Ended = state, clock
		if e.Writes {
			state = uint64(i + 1)
		}
	}
	return events
}

// falsify lets an operation show a token that was written after it ended.
func falsify(rng *rand.Rand, events []ledger.Event) {
	for {
		e := &events[rng.IntN(len(events))]
		later := uint64(rng.IntN(len(events)) + 1)
		if e.Ended != 0 && events[later-1].Writes && events[later-1].Began > e.Ended {
			e.Saw = later
			return
		}
	}
}
