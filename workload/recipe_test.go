package workload

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"schload/workload/ledger"
)

func allCommands(t testing.TB) Mix {
	t.Helper()
	m, err := ParseMix(strings.Join(Commands(), ","))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// making returns a maker of a pool, and a function that keeps a copy of
// operation i.
func making(t testing.TB, p Pool, worker int) (*maker, func(i uint64) Operation) {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	m := newMaker(newRecipe(p.WithDefaults()), worker, 1)
	return m, func(i uint64) Operation {
		var op Operation
		m.build(i, &op, 0)
		op.Key, op.Value = strings.Clone(op.Key), bytes.Clone(op.Value)
		op.Keys, op.Values = slices.Clone(op.Keys), slices.Clone(op.Values)
		for i := range op.Keys {
			op.Keys[i] = strings.Clone(op.Keys[i])
		}
		for i := range op.Values {
			op.Values[i] = bytes.Clone(op.Values[i])
		}
		return op
	}
}

// What operation i is depends on the pool and i, not on the worker or on what
// it made before; only the counter within a value tells writes apart.
func TestRecipeIsPure(t *testing.T) {
	for _, keys := range []Keys{{}, {Distribution: Zipf}, {Distribution: Sequential}, {Space: namedKeys + 1}} {
		p := Pool{Mix: allCommands(t), Keys: keys, Values: Values{64, 512}, Seed: 7, Schedule: Schedule{Rate: Constant(1)}}
		_, one := making(t, p, 1)
		_, two := making(t, p, 2)
		const n = 2000
		var forward [n]Operation
		for i := range forward {
			forward[i] = one(uint64(i))
		}
		for i := n - 1; i >= 0; i-- {
			got := two(uint64(i))
			for _, op := range []*Operation{&got, &forward[i]} {
				op.Value = withoutWriter(op.Value)
				for k := range op.Values {
					op.Values[k] = withoutWriter(op.Values[k])
				}
				if ofWorker(op.Command) { // the keys are the worker's
					op.Key, op.Slot, op.Value, op.Reply = "", 0, nil, nil
				}
			}
			if !cmp.Equal(got, forward[i]) {
				t.Fatalf("operation %d: got %+v, want %+v", i, got, forward[i])
			}
		}
		p.Seed = 8
		_, other := making(t, p, 1)
		same := 0
		for i := range forward {
			if op := other(uint64(i)); op.Command == forward[i].Command && op.Key == forward[i].Key {
				same++
			}
		}
		if keys.Distribution != Sequential && same > n/2 {
			t.Errorf("keys %+v: seeds 7 and 8 share %d of %d operations", keys, same, n)
		}
	}
}

// ofWorker reports whether a command is on keys that belong to one worker.
func ofWorker(command string) bool {
	return slices.Contains([]string{"MULTI", "SETEX", "GETEX", "TTL", "PTTL", "PERSIST"}, command)
}

// withoutWriter keeps the key and the length.
func withoutWriter(value []byte) []byte {
	key, _, _ := strings.Cut(string(value), separator)
	return fmt.Appendf(nil, "%s %d", key, len(value))
}

// Each command meets keys of its own type only, values begin with the token of
// their key and have the size asked for.
func TestOperations(t *testing.T) {
	p := Pool{Mix: allCommands(t), Keys: Keys{Space: 50}, Values: Values{100, 200}, Schedule: Schedule{Rate: Constant(1)}}
	_, make := making(t, p, 3)
	spaceOf := map[string]string{
		"MGET": "batch4", "MSET": "batch4", "EVAL": "counter", "MULTI": "transaction",
		"SETEX": "lease", "GETEX": "lease", "TTL": "lease", "PTTL": "lease", "PERSIST": "lease",
		"GETRANGE": "string", "HMGET": "hash", "HGETALL": "hash", "LRANGE": "list", "LTRIM": "list", "SREM": "set", "SISMEMBER": "set",
		"ZINCRBY": "zset", "ZSCORE": "zset", "ZRANGE": "zset", "XADD": "stream", "XLEN": "stream",
		"GET": "string", "SET": "string", "DEL": "string", "EXISTS": "string", "EXPIRE": "string", "INCR": "counter",
		"HSET": "hash", "HGET": "hash", "LPUSH": "list", "RPOP": "list", "SADD": "set", "ZADD": "zset", "ECHO": "echo",
	}
	members := []string{"SADD", "ZADD", "SREM", "SISMEMBER", "ZINCRBY", "ZSCORE"}
	writes := append([]string{"SET", "HSET", "LPUSH", "ECHO", "SETEX", "MULTI", "XADD"}, members...)
	seen := map[string]bool{}
	sizes := map[int]bool{}
	for i := range uint64(20_000) {
		op := make(i)
		if op.Command != p.Mix[op.Index].Command {
			t.Fatalf("operation %d: command %s has index %d", i, op.Command, op.Index)
		}
		if op.Command == "PING" {
			if op.Key != "" || op.Value != nil {
				t.Fatalf("PING has key %q, value %q", op.Key, op.Value)
			}
			continue
		}
		if op.Keys != nil {
			checkGroup(t, op)
			continue
		}
		number, ok := strings.CutPrefix(op.Key, "schload:"+spaceOf[op.Command]+":")
		if ofWorker(op.Command) {
			number, ok = strings.CutPrefix(number, "::3:")
		}
		if n, err := strconv.Atoi(number); !ok || err != nil || n < 0 || n >= 50 {
			t.Fatalf("%s has key %q", op.Command, op.Key)
		}
		if slices.Contains(writes, op.Command) != (op.Value != nil) {
			t.Fatalf("%s has value %q", op.Command, op.Value)
		}
		if op.Value == nil {
			continue
		}
		if !Belongs(op.Key, op.Value) || !strings.HasPrefix(string(op.Value), Token(op.Key)) {
			t.Fatalf("%s %s has value %q", op.Command, op.Key, op.Value)
		}
		if !slices.Contains(members, op.Command) {
			if seen[string(op.Value)] {
				t.Fatalf("value %q occurs twice", op.Value)
			}
			seen[string(op.Value)] = true
			sizes[len(op.Value)] = true
		}
	}
	if len(sizes) != 101 || !sizes[100] || !sizes[200] {
		t.Errorf("got %d different sizes, want every one from 100 to 200", len(sizes))
	}
}

// checkGroup wants keys of one hash tag, and values of one write.
func checkGroup(t *testing.T, op Operation) {
	t.Helper()
	if len(op.Keys) != DefaultBatch || op.Key != op.Keys[0] || (op.Command == "MSET") != (op.Values != nil) || op.Value != nil {
		t.Fatalf("%+v", op)
	}
	group, _, _ := strings.Cut(op.Key, "}")
	for i, key := range op.Keys {
		if key != fmt.Sprintf("%s}:%d", group, i) || !strings.HasPrefix(group, "schload:batch4:{") {
			t.Fatalf("%s has keys %q", op.Command, op.Keys)
		}
		if op.Values != nil && (!Belongs(key, op.Values[i]) || len(op.Values[i]) < 100) {
			t.Fatalf("%s has value %q", key, op.Values[i])
		}
	}
	if op.Values != nil && !Together(op.Keys, op.Values) {
		t.Fatalf("values %q are not of one write", op.Values)
	}
}

// Values of different writes are told apart, whoever wrote them.
func TestTogether(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   bool
	}{
		{nil, true}, {[]string{"a|1.2|"}, true}, {[]string{"a|1.2|xx", "b|1.2|"}, true}, {[]string{"a|1.2|", "b|1.3|"}, false},
		{[]string{"a|1.2|", "b|2.2|"}, false}, {[]string{"a|", "b|"}, true}, {[]string{"a|1.2|", "b|"}, false},
	} {
		if got := Together([]string{"a", "b"}, tt.values); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.values, got, tt.want)
		}
	}
}

// A buffer that is used again holds nothing of its last value.
func TestFiller(t *testing.T) {
	p := Pool{Mix: Mix{{"SET", 1}}, Keys: Keys{Space: 1 << 40}, Values: Values{0, 90}, Schedule: Schedule{Rate: Constant(1)}}
	m, make := making(t, p, 0)
	for i := range uint64(5000) {
		op := make(i)
		at := bytes.LastIndexByte(op.Value, separator[0]) + 1
		if want := m.filler[min(at, len(m.filler)):]; !bytes.HasPrefix(want, op.Value[at:]) {
			t.Fatalf("operation %d: value %q continues with other than filler %q", i, op.Value, want)
		}
	}
}

// Set members are the same for every worker and few.
func TestMembers(t *testing.T) {
	p := Pool{Mix: Mix{{"SADD", 1}}, Keys: Keys{Space: 1}, Values: Values{10, 400}, Schedule: Schedule{Rate: Constant(1)}}
	members := map[string]bool{}
	for worker := range 2 {
		_, make := making(t, p, worker)
		for i := range uint64(20_000) {
			members[string(make(i).Value)] = true
		}
	}
	if len(members) != Members {
		t.Errorf("got %d members, want %d", len(members), Members)
	}
}

func TestBelongs(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		want       bool
	}{
		{"k:1", "k:1|0.1|x", true}, {"k:1", "k:1|", true}, {"k:1", "k:12|0.1|", false},
		{"k:12", "k:1|0.1|", false}, {"k:1", "k:1", false}, {"k:1", "", false}, {"k:1", "OK", false},
	} {
		if got := Belongs(tt.key, []byte(tt.value)); got != tt.want {
			t.Errorf("%q to %q: got %v, want %v", tt.value, tt.key, got, tt.want)
		}
	}
}

// Shares are weight by sum of weights, within sampling error.
func TestShares(t *testing.T) {
	for _, mix := range []string{"GET=0.8,SET=0.2", "GET=4,SET=1", "GET=1,SET=1,DEL=1,INCR=7", "PING=0.001,GET=0.999"} {
		p := Pool{Schedule: Schedule{Rate: Constant(1)}}
		p.Mix, _ = ParseMix(mix)
		sum := 0.0
		for _, w := range p.Mix {
			sum += w.Weight
		}
		m, _ := making(t, p, 0)
		const n = 200_000
		counts := make([]float64, len(p.Mix))
		for i := range uint64(n) {
			from := draw(1, i)
			counts[m.choose(&from)]++
		}
		for k, w := range p.Mix {
			share := w.Weight / sum
			if sigma := math.Sqrt(n * share * (1 - share)); math.Abs(counts[k]-n*share) > 5*sigma {
				t.Errorf("%s: got %v of %d %s, want %v", mix, counts[k], n, w.Command, n*share)
			}
		}
	}
}

// Draws of neighbouring indexes and seeds are independent: their chi-square
// over 256 bins stays below the 99.99 % quantile.
func TestDraw(t *testing.T) {
	for name, at := range map[string]func(i uint64) source{
		"index": func(i uint64) source { return draw(0, i) },
		"seed":  func(i uint64) source { return draw(i, 0) },
		"both":  func(i uint64) source { return draw(i, i) },
	} {
		const n, bins = 256_000, 256
		var first, second [bins]float64
		for i := range uint64(n) {
			from := at(i)
			first[from.below(bins)]++
			second[from.below(bins)]++
		}
		for _, counts := range [][bins]float64{first, second} {
			chi := 0.0
			for _, c := range counts {
				chi += (c - n/bins) * (c - n/bins) / (n / bins)
			}
			if chi > 347 {
				t.Errorf("%s: chi-square %.0f over %d bins", name, chi, bins)
			}
		}
	}
}

// Rank k comes with a probability proportional to 1/(k+1)^exponent.
func TestZipf(t *testing.T) {
	for _, exponent := range []float64{0.5, 0.99, 1, 1.5, 3} {
		for _, n := range []int{1, 2, 1000} {
			z := newZipf(n, exponent)
			sum := 0.0
			for k := range n {
				sum += math.Pow(float64(k+1), -exponent)
			}
			const draws = 200_000
			counts := make([]float64, n)
			from := source(42)
			for range draws {
				counts[z.rank(&from)]++
			}
			for k := range min(n, 20) {
				p := math.Pow(float64(k+1), -exponent) / sum
				if sigma := math.Sqrt(draws*p*(1-p)) + 1; math.Abs(counts[k]-draws*p) > 5*sigma {
					t.Errorf("exponent %v of %d: rank %d came %v times, want %.0f", exponent, n, k, counts[k], draws*p)
				}
			}
		}
	}
}

func TestDistributions(t *testing.T) {
	for d, want := range map[Distribution]func(counts []int) bool{
		Uniform:    func(c []int) bool { return slices.Max(c) < 1250 && slices.Min(c) > 750 },
		Sequential: func(c []int) bool { return slices.Max(c) == 1000 && slices.Min(c) == 1000 },
		Zipf:       func(c []int) bool { return c[0] > 10*c[50] && c[0] > c[1] },
	} {
		s := newKeyset(Keys{Distribution: d, Space: 100}.withDefaults(), nil)
		counts := make([]int, 100)
		for i := range uint64(100_000) {
			from := draw(1, i)
			counts[s.number(&from, i)]++
		}
		if !want(counts) {
			t.Errorf("%s: got %v", d, counts)
		}
	}
}

// Keys that are formatted as they are used equal those made in advance, and
// live until the slot's next operation.
func TestKeyMemory(t *testing.T) {
	p := Pool{Mix: Mix{{"GET", 1}}, Keys: Keys{Distribution: Sequential, Space: namedKeys}, Schedule: Schedule{Rate: Constant(1)}}
	_, named := making(t, p, 0)
	p.Keys.Space++
	m, formatted := making(t, p, 0)
	if m.keys.names[stringSpace] != nil {
		t.Fatalf("%d keys were made in advance", p.Keys.Space)
	}
	for i := range uint64(1000) {
		if got, want := formatted(i).Key, named(i).Key; got != want {
			t.Fatalf("got key %q, want %q", got, want)
		}
	}
	m.slots = make([]slot, 2)
	var a, b Operation
	m.build(1, &a, 0)
	m.build(2, &b, 1)
	if a.Key != "schload:string:1" || b.Key != "schload:string:2" {
		t.Errorf("two slots hold keys %q and %q", a.Key, b.Key)
	}
}

func TestPoolValidate(t *testing.T) {
	good := Pool{Name: "main", Schedule: Schedule{Rate: Constant(1)}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if err := good.WithDefaults().Validate(); err != nil {
		t.Errorf("with defaults: %v", err)
	}
	for want, spoil := range map[string]func(p *Pool){
		`pool "main": workers -1`:     func(p *Pool) { p.Workers = -1 },
		"pipeline 2 with MULTI":       func(p *Pool) { p.Pipeline, p.Mix = 2, Mix{{"MULTI", 1}} },
		"key batch 1001":              func(p *Pool) { p.Keys.Batch = 1001 },
		`key prefix "{}" with MGET`:   func(p *Pool) { p.Keys.Prefix, p.Mix = "{}", Mix{{"MGET", 1}} },
		"1024 MiB of values at once":  func(p *Pool) { p.Values.Size, p.Workers = 32<<20, 33 },
		"workers 65537: want 1 to":    func(p *Pool) { p.Workers = maxWorkers + 1 },
		"pipeline 16385":              func(p *Pool) { p.Pipeline = maxPipeline + 1 },
		"backlog -5":                  func(p *Pool) { p.Backlog = -5 },
		"overload(7)":                 func(p *Pool) { p.Overload = 7 },
		"start deadline -1s":          func(p *Pool) { p.StartDeadline = -1e9 },
		"mix is empty":                func(p *Pool) { p.Mix = Mix{} },
		`unknown command "get"`:       func(p *Pool) { p.Mix = Mix{{"get", 1}} },
		"key space -1":                func(p *Pool) { p.Keys.Space = -1 },
		"zipf exponent 11":            func(p *Pool) { p.Keys.Exponent = 11 },
		`key prefix "a|b"`:            func(p *Pool) { p.Keys.Prefix = "a|b" },
		"distribution(3)":             func(p *Pool) { p.Keys.Distribution = 3 },
		"value size -1":               func(p *Pool) { p.Values.Size = -1 },
		"largest value size 5":        func(p *Pool) { p.Values = Values{10, 5} },
		"arrival constant needs a ra": func(p *Pool) { p.Schedule.Rate = Rate{} },
	} {
		p := good
		spoil(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	bad := good
	bad.Workers, bad.Pipeline = -1, -1
	if err := bad.Validate(); !strings.Contains(err.Error(), "workers") || !strings.Contains(err.Error(), "pipeline") {
		t.Errorf("got %v, want both faults", err)
	}
}

func TestBuildAllocations(t *testing.T) {
	for _, keys := range []Keys{{}, {Distribution: Zipf}, {Space: namedKeys + 1}} {
		p := Pool{Mix: allCommands(t), Keys: keys, Values: Values{1, 300}, Schedule: Schedule{Rate: Constant(1)}}
		m, _ := making(t, p, 0)
		var op Operation
		i := uint64(0)
		build := func() {
			for range 100 {
				m.build(i, &op, 0)
				i++
			}
		}
		build()
		if got := testing.AllocsPerRun(50, build); got != 0 {
			t.Errorf("keys %+v: got %v allocations in 100 operations, want 0", keys, got)
		}
	}
}

// Operations that are drawn for the ledger cost no memory either.
func TestBuildAllocationsWithLedger(t *testing.T) {
	p := Pool{Mix: allCommands(t), Schedule: Schedule{Rate: Constant(1)}}.WithDefaults()
	spaces := p.LedgerSpaces()
	m, _ := making(t, p, 0)
	m.page = ledger.New(ledger.Config{Spaces: spaces, Workers: 1, Keys: 16}).Page(0)
	m.ledgered = threshold(0.5)
	var op Operation
	i := uint64(0)
	build := func() {
		for range 100 {
			m.build(i, &op, 0)
			m.withdraw()
			i++
		}
	}
	for range 20 {
		build()
	}
	if got := testing.AllocsPerRun(50, build); got > 1 { // a key that workers share begins now and then
		t.Errorf("%v allocations in 100 operations", got)
	}
}

func BenchmarkBuild(b *testing.B) {
	for name, p := range map[string]Pool{
		"get":      {Mix: Mix{{"GET", 1}}},
		"getset":   {},
		"zipf":     {Keys: Keys{Distribution: Zipf}},
		"unnamed":  {Keys: Keys{Space: 1 << 30}},
		"set100kB": {Mix: Mix{{"SET", 1}}, Values: Values{Size: 100_000}},
	} {
		b.Run(name, func(b *testing.B) {
			p.Schedule.Rate = Constant(1)
			m, _ := making(b, p, 0)
			b.ReportAllocs()
			var op Operation
			i := uint64(0)
			for b.Loop() {
				m.build(i, &op, 0)
				i++
			}
		})
	}
}
