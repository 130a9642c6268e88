package recount

import (
	"strings"
	"testing"
)

// The edges that can be checked by hand.
func TestEdges(t *testing.T) {
	for k, want := range map[int]int64{0: 953, 64: 1907, 20 * 64: 1e9, 20*64 + 32: 1414213562, 21 * 64: 2e9, 27 * 64: 128e9} {
		if got := upper(k); got != want {
			t.Errorf("edge %d is %d ns, want %d", k, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	second := readTimes(otlpPoint{Count: "4", Min: "1.001", Max: "1.01", Sum: "4.02"})
	second.bucket(first)
	second.buckets[first] = 4 // above 1 s, to 1010889286 ns
	for perMille, want := range map[uint64]int64{250: 1001e6, 500: 1005415160, 750: 1005415160, 990: 1010e6} {
		if got := second.quantile(perMille); got != want {
			t.Errorf("quantile %d is %d ns, want %d", perMille, got, want)
		}
	}
	if got := new(times).quantile(500); got != 0 {
		t.Errorf("a quantile of nothing is %d", got)
	}
}

// What is absent is zero; what is there must be known, and equal to the
// nanosecond.
func TestCompare(t *testing.T) {
	derived := object{"n": uint64(0), "d": duration(1500000001), "list": list{object{"name": "on", "ok": true}}, "said": sentences{"one [0-9]+", "two"}}
	for text, want := range map[string]string{
		`{"d":1.500000001,"list":[{"name":"on","ok":true}],"said":["two","one 7"]}`:       "",
		`{"d":1.500000002,"list":[{"name":"on","ok":true}],"said":["two","one 7"]}`:       "d: ",
		`{"d":1.500000001,"list":[{"name":"on","ok":false}],"said":["two","one 7"]}`:      "list[on].ok: ",
		`{"d":1.500000001,"list":[],"said":["two","one 7"]}`:                              "list: ",
		`{"d":1.500000001,"list":[{"name":"on","ok":true}],"said":["two"]}`:               `said: want a sentence like "one`,
		`{"d":1.500000001,"list":[{"name":"on","ok":true}],"said":["two","one 1","six"]}`: `said: no rule asks for "six"`,
		`{"d":1.500000001,"list":[{"name":"on","ok":true,"x":0}],"said":["two","one 1"]}`: "list[on].x: stored 0, but nothing says how it is derived",
	} {
		found, err := Compare(derived, []byte(text))
		if err != nil || (want == "") != (len(found) == 0) || !strings.HasPrefix(strings.Join(found, "\n"), want) {
			t.Errorf("%s: %q, %v; want %q", text, found, err, want)
		}
	}
}
