package bundle

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"schload/telemetry/record"
)

// Law: a duration below 2^23 s survives the way through a double in seconds.
func TestSecondsExact(t *testing.T) {
	const limit = 1 << 23 * time.Second
	check := func(d time.Duration) {
		t.Helper()
		if got, err := FromSeconds(record.Seconds(d)); err != nil || got != d {
			t.Fatalf("%d ns came back as %d ns (error %v)", d, got, err)
		}
	}
	missed := 0 // by the plain product, to know that the neighbours matter
	r := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		d := time.Duration(r.Int64N(int64(limit)) >> r.IntN(53))
		check(d)
		check(-d)
		check(limit - 1 - d>>r.IntN(53))
		if time.Duration(math.Round(record.Seconds(d)*1e9)) != d {
			missed++
		}
	}
	for shift := range 53 {
		for off := range time.Duration(3) {
			check(min(1<<shift+off, limit-1))
		}
	}
	t.Logf("rounding alone would miss %d of 50000", missed)
}

func TestSecondsOutOfRange(t *testing.T) {
	for _, f := range []float64{1e11, -1e11, math.Inf(1), math.NaN()} {
		if d, err := FromSeconds(f); err == nil {
			t.Errorf("%v s became %v, want an error", f, d)
		}
	}
	if d, err := FromSeconds(record.Seconds(math.MaxInt64)); err != nil || d != math.MaxInt64 {
		t.Errorf("a saturated sum became %v (error %v)", d, err)
	}
}

func TestSecondsJSON(t *testing.T) {
	for d, want := range map[Seconds]string{
		0:                         "0",
		Seconds(time.Second):      "1",
		Seconds(10 * time.Minute): "600",
		1:                         "0.000000001",
		1_500_000:                 "0.0015",
		-1_500_000_001:            "-1.500000001",
		math.MaxInt64:             "9223372036.854775807",
		math.MinInt64:             "-9223372036.854775808",
	} {
		text, err := json.Marshal(d)
		if err != nil || string(text) != want {
			t.Errorf("%d ns is spelt %s (error %v), want %s", d, text, err, want)
		}
		if d > 1<<53 || d < -1<<53 {
			continue
		}
		var back Seconds
		if err := json.Unmarshal(text, &back); err != nil || back != d {
			t.Errorf("%s was read as %d ns (error %v)", text, back, err)
		}
	}
	var s Seconds
	if err := json.Unmarshal([]byte(`"1s"`), &s); err == nil {
		t.Error(`"1s" was read as a number of seconds`)
	}
}
