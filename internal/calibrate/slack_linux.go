package calibrate

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// timerSlack is by how much the kernel may put off the timers of this process
// to save wake-ups (prctl(2), PR_SET_TIMERSLACK); 0 if it does not say.
func timerSlack() time.Duration {
	text, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return time.Duration(n)
}
