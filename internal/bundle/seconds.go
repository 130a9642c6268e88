package bundle

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"schload/telemetry/record"
)

// Seconds is a duration that files spell as a decimal number of seconds. The
// spelling is exact: nine decimals hold every nanosecond.
type Seconds time.Duration

// Duration returns s as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// MarshalJSON writes 0.0015 for 1.5 ms.
func (s Seconds) MarshalJSON() ([]byte, error) {
	sign, n := "", uint64(s)
	if s < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%s%d.%09d", sign, n/1e9, n%1e9)
	return []byte(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")), nil
}

// UnmarshalJSON reads a number of seconds, rounded to the nanosecond.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(data), 64)
	if err != nil {
		return fmt.Errorf("%s is not a number of seconds", data)
	}
	d, err := FromSeconds(f)
	*s = Seconds(d)
	return err
}

// FromSeconds is the inverse of record.Seconds, exact up to 2^23 s (97 days).
//
// Subtle: f is the double nearest to n·10^-9 for some whole n, and below 2^23
// s doubles lie closer than a nanosecond, so at most one n has this f. The
// product f·10^9 is rounded once more and may miss that n by one, hence the
// neighbours (TestSecondsExact). Beyond 2^23 s the result is off by as much as
// a double is: 1 ns at 2^24 s.
func FromSeconds(f float64) (time.Duration, error) {
	if f == math.MaxInt64/1e9 {
		return math.MaxInt64, nil // a sum that stopped growing
	}
	if !(math.Abs(f) < math.MaxInt64/1e9) {
		return 0, fmt.Errorf("%v s is out of range (a duration holds 292 years)", f)
	}
	n := time.Duration(math.Round(f * 1e9))
	for _, candidate := range [...]time.Duration{n, n - 1, n + 1} {
		if record.Seconds(candidate) == f {
			return candidate, nil
		}
	}
	return n, nil
}
