package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"schload/internal/bundle"
)

// inTurns is experiment with arms that take turns: each meets an event of its
// own, whose size drifts by a factor from turn to turn. on spares that much of
// the harm.
func (w world) inTurns(n int, spare, drift float64) *Summary {
	s := &Summary{Order: bundle.OrderSequential, Valid: true, Complete: true, Arms: []Arm{{Name: "on", SCH: SCH{Requested: "on"}}, {Name: "off", SCH: SCH{Requested: "off"}}}}
	turn := 0.0
	for i := range n {
		for k := range s.Arms {
			j := k ^ i%2 // A B, B A
			harm := 100 * math.Exp(w.NormFloat64()) * math.Pow(drift, turn)
			if j == 0 {
				harm *= 1 - spare
			}
			s.Arms[j].Rounds = append(s.Arms[j].Rounds, w.round(i+1, harm))
			turn++
		}
	}
	return s
}

// Law: equal arms are found to differ in at most 5 % of the runs when they take
// turns as well, also when all that happens gets worse from turn to turn.
func TestEqualArmsAreEqualInTurns(t *testing.T) {
	runs := 1000
	if testing.Short() { // as under the race detector
		runs = 100
	}
	limit := float64(runs)*level + 2*math.Sqrt(float64(runs)*level*(1-level))
	for _, drift := range []float64{1, 1.1, 1.5} {
		for _, rounds := range []int{6, 8, 12} {
			w := world{rand.New(rand.NewPCG(uint64(rounds), 4))}
			alarms := 0
			for range runs {
				list := w.inTurns(rounds, 0, drift).differences()
				if len(found(list, VerdictBetter))+len(found(list, VerdictWorse)) > 0 {
					alarms++
				}
			}
			t.Logf("drift %v, %d rounds: %d alarms in %d runs", drift, rounds, alarms, runs)
			if float64(alarms) > limit {
				t.Errorf("drift %v, %d rounds: %d alarms in %d runs of equal arms, want at most %.0f", drift, rounds, alarms, runs, limit)
			}
		}
	}
}

// What turns cost: that the arms do not meet the same event has to be made up
// for by rounds.
func TestTurnsCostRounds(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector has nothing to find where one goroutine computes")
	}
	const runs = 300
	hits := func(n int, make func(w world) *Summary) (hits int) {
		w := world{rand.New(rand.NewPCG(uint64(n), 5))}
		for range runs {
			for _, metric := range found(make(w).differences(), VerdictBetter) {
				if metric == Primary {
					hits++
				}
			}
		}
		return hits
	}
	for _, spare := range []float64{0.9, 0.7} {
		for _, n := range []int{6, 8, 12, 20} {
			turns := hits(n, func(w world) *Summary { return w.inTurns(n, spare, 1) })
			same := hits(n, func(w world) *Summary { return w.experiment(n, spare) })
			t.Logf("spares %v, %d rounds: found in %d of %d runs by turns, in %d of the same events", spare, n, turns, runs, same)
			if turns >= same && same < runs*95/100 {
				t.Errorf("spares %v, %d rounds: found in %d of %d runs by turns, in %d of the same events: turns cost nothing?", spare, n, turns, runs, same)
			}
			if n >= 12 && spare == 0.9 && turns < runs*8/10 {
				t.Errorf("spares %v, %d rounds: found in %d of %d runs by turns", spare, n, turns, runs)
			}
		}
	}
}
