package isolate

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the clock that package time reads, and one for all processes.
func monotonic() (time.Duration, bool) {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
