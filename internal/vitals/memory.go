package vitals

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory reads the second number of /proc/self/statm (proc_pid_statm(5)): the
// resident memory of the process, in bytes; -1 unknown.
func (m *Monitor) memory() int64 {
	text, err := os.ReadFile(filepath.Join(m.proc, "self", "statm"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return -1
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return -1
	}
	return pages * int64(os.Getpagesize())
}
