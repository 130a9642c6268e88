package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/linear"
	"schload/workload/ledger"
)

// store is a database that does to its clients what is asked of it, and knows
// how often it did.
type store struct {
	mu     sync.Mutex
	rng    *rand.Rand
	values map[string]string
	before map[string]string // what values were before they were written last
	lists  map[string]int
	sets   map[string]map[string]bool
	nonce  int

	// The chances, of 100, that an operation fails in some way, and that a
	// violation is made of it.
	failures, violations int

	failed   map[string]bool // keys on which something failed: no violations there
	violated map[string]bool // keys on which something was violated: no failures there
	unseen   map[string]bool // of these, a loss that nobody can have seen yet

	did           [ledger.Kinds]uint64
	open, applied uint64 // writes whose end nobody saw
	late          sync.WaitGroup
}

func newStore(seed uint64) *store {
	return &store{
		rng: rand.New(rand.NewPCG(seed, 1)), values: map[string]string{}, before: map[string]string{}, lists: map[string]int{}, sets: map[string]map[string]bool{},
		failed: map[string]bool{}, violated: map[string]bool{}, unseen: map[string]bool{},
	}
}

func (s *store) Do(_ context.Context, ops []Operation, outcomes []Outcome) {
	for i := range ops {
		outcomes[i] = s.one(&ops[i])
	}
}

func (s *store) pause(most time.Duration) {
	s.mu.Lock()
	d := time.Duration(s.rng.Int64N(int64(most)))
	s.mu.Unlock()
	time.Sleep(d)
}

func (s *store) one(op *Operation) Outcome {
	if op.Reply == nil {
		return Outcome{Class: OK, Attempts: 1}
	}
	s.pause(time.Millisecond)
	out := s.execute(op)
	s.pause(time.Millisecond)
	return out
}

func (s *store) execute(op *Operation) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op.Index >= 0 && !s.violated[op.Key] && s.rng.IntN(100) < s.failures {
		s.failed[op.Key] = true
		return s.fail(op)
	}
	value, absent := s.apply(op)
	if op.Index >= 0 && !s.failed[op.Key] && s.rng.IntN(100) < s.violations {
		value = s.violate(op, value, absent)
	}
	op.Reply.Set([]byte(value), absent)
	return Outcome{Class: OK, Attempts: 1}
}

// writes says whether the operation changes data that the ledger judges.
func writes(op *Operation) bool {
	return op.Command != "GET" && op.Command != "HGET" && op.Command != "EXISTS" && op.Command != "EXPIRE" && op.Command != "SCARD"
}

// fail lets an operation end badly, or well after a try that nobody saw end.
func (s *store) fail(op *Operation) Outcome {
	counts := op.Command == "INCR" || op.Command == "LPUSH" || op.Command == "RPOP" || op.Command == "ZADD"
	switch how := s.rng.IntN(5); {
	case how == 0:
		return Outcome{Class: DialRefused, Effect: NotApplied, Attempts: 1}
	case how == 1 && !counts: // sent twice, applied twice, the second time at once
		s.apply(op)
		value, absent := s.apply(op)
		op.Reply.Set([]byte(value), absent)
		return Outcome{Class: OK, Attempts: 2}
	case !writes(op):
	case how == 2: // not applied, though nobody knows
		s.open++
	case how == 3:
		s.open++
		s.applied++
		s.apply(op)
	default: // applied, later
		s.open++
		s.applied++
		later := Operation{Command: op.Command, Key: strings.Clone(op.Key), Value: append([]byte(nil), op.Value...)}
		wait := time.Duration(s.rng.Int64N(int64(200 * time.Millisecond)))
		s.late.Go(func() {
			time.Sleep(wait)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.apply(&later)
		})
	}
	return Outcome{Class: ReadTimeout, Effect: Indeterminate, Attempts: 1}
}

func (s *store) apply(op *Operation) (reply string, absent bool) {
	old, there := s.values[op.Key]
	switch op.Command {
	case "GET", "HGET":
		return old, !there
	case "SET":
		s.put(op.Key, string(op.Value))
		return old, !there
	case "HSET":
		s.put(op.Key, string(op.Value))
		return "0", false
	case "DEL":
		delete(s.values, op.Key)
		return old, !there
	case "SADD", "SREM", "SCARD":
		return strconv.Itoa(s.applySet(op)), false
	case "EXISTS", "EXPIRE":
		return map[bool]string{true: "1", false: "0"}[there], false
	case "RPOP":
		if s.lists[op.Key] == 0 {
			return "", true
		}
		s.lists[op.Key]--
		return op.Key + "|0.0|", false
	}
	s.lists[op.Key]++ // INCR, LPUSH, ZADD
	return strconv.Itoa(s.lists[op.Key]), false
}

func (s *store) applySet(op *Operation) (changed int) {
	set := s.sets[op.Key]
	if set == nil {
		set = map[string]bool{}
		s.sets[strings.Clone(op.Key)] = set
	}
	there := set[string(op.Value)]
	switch {
	case op.Command == "SCARD":
		return len(set)
	case op.Command == "SADD":
		set[string(op.Value)] = true
	default:
		delete(set, string(op.Value))
	}
	if there == (op.Command == "SREM") {
		return 1
	}
	return 0
}

func (s *store) put(key, value string) {
	s.before[key] = s.values[key]
	s.values[key] = value
	s.unseen[key] = false
}

// violate makes something wrong of an operation that was executed.
func (s *store) violate(op *Operation, reply string, absent bool) string {
	shared := strings.Contains(op.Key, ":shared:")
	did := func(k ledger.Kind) { s.did[k]++; s.violated[op.Key] = true }
	switch before := s.before[op.Key]; {
	case op.Command == "SET":
		did(ledger.Lost)
		s.values[op.Key], s.unseen[op.Key] = before, true
		if absent {
			delete(s.values, op.Key)
		}
	case op.Command == "SADD" && s.rng.IntN(2) == 0:
		did(ledger.Duplicate)
		return "0"
	case op.Command == "SADD":
		did(ledger.Lost)
		delete(s.sets[op.Key], string(op.Value))
	case (op.Command == "INCR" || op.Command == "LPUSH" || op.Command == "ZADD") && s.rng.IntN(2) == 0:
		did(ledger.Lost)
		s.lists[op.Key]--
	case op.Command == "INCR" || op.Command == "LPUSH" || op.Command == "ZADD":
		did(ledger.Duplicate)
		s.lists[op.Key]++
	case shared || absent:
	case op.Command == "GET" && s.rng.IntN(3) == 0:
		did(ledger.Wrong)
		return op.Key + "|" + strconv.Itoa(s.nonce) + ".99999|"
	case (op.Command == "GET" || op.Command == "HGET") && before != "" && before != s.values[op.Key] && !s.unseen[op.Key]:
		did(ledger.Stale)
		return before
	}
	return reply
}

// audited runs a pool against a store with everything in the ledger, for two
// virtual seconds, and returns the book. In between it is read back so often.
func audited(t *testing.T, seed uint64, mix string, s *store, pipeline, back int) *ledger.Book {
	t.Helper()
	m, err := ParseMix(mix)
	if err != nil {
		t.Fatal(err)
	}
	p := Pool{Name: "main", Workers: 6, Pipeline: pipeline, Mix: m, Seed: seed, Schedule: Schedule{Rate: Constant(2000)}}.WithDefaults()
	spaces := p.LedgerSpaces()
	s.nonce = 99
	book := ledger.New(ledger.Config{Prefix: p.Keys.Prefix, Arm: "on", Pool: p.Name, Nonce: 99, Spaces: spaces, Workers: p.Workers, Keys: 8 + pipeline, Share: 1})
	h := new(Horizon)
	h.End(2 * time.Second)
	run := Run{Base: time.Now(), Pool: p, Target: s, Horizon: h, Ledger: book,
		Pacer: func() (Pacer, error) { return NewTimerPacer(time.Now()), nil }}
	if err := run.OpenLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	run.Base = time.Now()
	run.Pacer = func() (Pacer, error) { return NewTimerPacer(run.Base), nil }
	var between sync.WaitGroup
	between.Go(func() {
		for range back {
			time.Sleep(400 * time.Millisecond)
			run.ResolveLedger(t.Context())
		}
	})
	if _, err := run.Do(t.Context()); err != nil {
		t.Error(err)
	}
	between.Wait()
	s.late.Wait()
	run.SettleLedger(t.Context())
	return book
}

const everything = "GET=4,SET=3,DEL=1,EXISTS=1,EXPIRE=1,INCR=2,HSET=2,HGET=2,LPUSH=2,RPOP=1,SADD=3,ZADD=1"

// Whatever fails, nothing is invented: not by timeouts, not by writes that take
// effect late, not by tries that the client repeats.
func TestLedgerInventsNothing(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(seed)
			s.failures = int(seed % 40)
			back := int(seed % 4)
			book := audited(t, seed, everything, s, 1+int(seed%3)*4, back)
			c := book.Counts()
			if c.Violations != s.did {
				t.Errorf("seed %d: violations %v, there were none", seed, c.Violations)
			}
			if got := c.Applied + c.Undone + c.Undecided; got != s.open {
				t.Errorf("seed %d: %d applied, %d not, %d unknown: there were %d open writes", seed, c.Applied, c.Undone, c.Undecided, s.open)
			}
			if back > 0 { // what comes late was said not to come
				c.Applied, c.Undone = min(c.Applied, s.applied), min(c.Undone, s.open-s.applied)
			}
			if c.Applied > s.applied || c.Undone > s.open-s.applied {
				t.Errorf("seed %d: %d applied, %d not: in truth %d and %d", seed, c.Applied, c.Undone, s.applied, s.open-s.applied)
			}
			if c.Reads == 0 || c.Writes == 0 {
				t.Errorf("seed %d: nothing was checked: %+v", seed, c)
			}
			for _, trial := range book.Trials() {
				if linear.Check(trial.Events(), 10*time.Second) == linear.Violated {
					t.Errorf("seed %d: %s is not linearizable: %+v", seed, trial.Name(), trial.Events())
				}
			}
		})
	}
}

// What is wrong is found, each once, beside all that merely fails.
func TestLedgerFindsEach(t *testing.T) {
	var sum [ledger.Kinds]uint64
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(seed)
			s.violations, s.failures = 1+int(seed%5), int(seed%7)
			book := audited(t, seed, "GET=4,SET=3,EXISTS=1,INCR=2,HSET=2,HGET=2,LPUSH=2,RPOP=1,SADD=3,ZADD=1", s, 1+int(seed%2)*3, int(seed%3))
			if c := book.Counts(); c.Violations != s.did {
				t.Errorf("seed %d: found %v, did %v", seed, c.Violations, s.did)
			}
			for k, n := range s.did {
				sum[k] += n
			}
		})
	}
	t.Log(sum)
	for k, n := range sum {
		if n == 0 && ledger.Kind(k) != ledger.OutOfOrder {
			t.Errorf("%v was never done", ledger.Kind(k))
		}
	}
}

// Operations that do not go to the ledger are what they are without one.
func TestLedgerLeavesOthersAlone(t *testing.T) {
	p := Pool{Mix: allCommands(t), Seed: 3, Schedule: Schedule{Rate: Constant(1)}}.WithDefaults()
	spaces := p.LedgerSpaces()
	if fmt.Sprint(spaces) != "[string counter hash list set zset]" {
		t.Errorf("spaces %v", spaces)
	}
	book := ledger.New(ledger.Config{Spaces: spaces, Workers: 1, Keys: 4, Share: 0.25})
	_, plain := making(t, p, 0)
	r := newRecipe(p)
	r.ledgered = threshold(book.Share())
	m := newMaker(r, 0, 1)
	m.page = book.Page(0)
	drawn := 0
	const n = 20_000
	for i := range uint64(n) {
		var op Operation
		m.build(i, &op, 0)
		m.withdraw()
		want := plain(i)
		if op.Command != want.Command && op.Command != "SREM" || op.Index != want.Index {
			t.Fatalf("operation %d is %s, without a ledger %s", i, op.Command, want.Command)
		}
		if m.slots[0].entry.key != nil {
			drawn++
		} else if op.Key != want.Key {
			t.Fatalf("operation %d is on %s, without a ledger on %s", i, op.Key, want.Key)
		}
	}
	if share := float64(drawn) / n; share < 0.07 || share > 0.10 { // twelve of 35 commands can be judged
		t.Errorf("share %.3f", share)
	}
}
