package workload

import (
	"slices"
	"testing"
)

// After the preload every key that the mix reads has a value of its own.
func TestPreload(t *testing.T) {
	for text, want := range map[string][]string{
		"GET=1,SET=1":        {"SET schload:string:"},
		"HGET,EXISTS,PING":   {"HSET schload:hash:", "SET schload:string:"},
		"SET,INCR,RPOP,ECHO": nil,
	} {
		mix, err := ParseMix(text)
		if err != nil {
			t.Fatal(err)
		}
		p := Pool{Mix: mix, Keys: Keys{Space: 10}, Values: Values{Size: 50}}
		got := map[string]int{}
		for batch := range p.Preload(4) {
			if len(batch) > 4 {
				t.Errorf("%s: got a batch of %d, want at most 4", text, len(batch))
			}
			for _, op := range batch {
				got[op.Command+" "+op.Key]++
				if !Belongs(op.Key, op.Value) || len(op.Value) != 50 || op.Index != -1 {
					t.Errorf("%s: got %+v, want 50 bytes of its key", text, op)
				}
			}
		}
		for _, head := range want {
			for _, digit := range "0123456789" {
				if got[head+string(digit)] != 1 {
					t.Errorf("%s: %s%c was written %d times, want 1", text, head, digit, got[head+string(digit)])
				}
			}
		}
		if len(got) != 10*len(want) {
			t.Errorf("%s: got %d keys, want %d", text, len(got), 10*len(want))
		}
	}
}

// Groups are written whole, and large values a few at a time.
func TestPreloadGroups(t *testing.T) {
	p := Pool{Mix: Mix{{"MGET", 1}}, Keys: Keys{Space: 10, Batch: 3}, Values: Values{Size: 2 << 20}}
	groups := 0
	for batch := range p.Preload(100) {
		if len(batch) != 2 {
			t.Fatalf("got a batch of %d, want 2 of 3 values of 2 MiB each", len(batch))
		}
		for _, op := range batch {
			groups++
			if op.Command != "MSET" || op.Index != -1 || len(op.Keys) != 3 || !Together(op.Keys, op.Values) || len(op.Values[2]) != 2<<20 {
				t.Fatalf("got %s %q", op.Command, op.Keys)
			}
		}
	}
	if groups != 10 {
		t.Errorf("got %d groups, want 10", groups)
	}
}

// A preload that is left early stops.
func TestPreloadBreak(t *testing.T) {
	for batch := range (Pool{}).Preload(3) {
		if keys := len(batch); keys != 3 {
			t.Errorf("got a batch of %d, want 3", keys)
		}
		break
	}
	if all := slices.Collect((Pool{Keys: Keys{Space: 1}}).Preload(0)); len(all) != 1 {
		t.Errorf("got %d batches for one key, want 1", len(all))
	}
}
