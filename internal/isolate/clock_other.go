//go:build !linux

package isolate

import "time"

// monotonic is not known here: processes agree by the wall clock.
func monotonic() (time.Duration, bool) { return 0, false }
