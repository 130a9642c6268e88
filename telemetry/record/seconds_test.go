package record

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// What a level says in seconds is the decimal with nine places, as it is
// spelled: 12.740974316 s once came out as 12.740974315999999.
func TestSecondsAreNearest(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		d := time.Duration(draw.Int64N(int64(time.Hour)))
		want, _ := strconv.ParseFloat(strconv.FormatInt(int64(d), 10)+"e-9", 64)
		if got := Seconds(d); got != want {
			t.Fatalf("%d ns: %v s, want %v", d, got, want)
		}
	}
}
