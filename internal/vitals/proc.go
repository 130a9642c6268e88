package vitals

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// jiffy is the unit of /proc/stat, the same on all architectures Go knows.
const jiffy = time.Second / 100

// steal reads the eighth number of the first line of /proc/stat (proc_stat(5)).
func (m *Monitor) steal() time.Duration {
	text, err := os.ReadFile(filepath.Join(m.proc, "stat"))
	if err != nil {
		return -1
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return -1
	}
	n, err := strconv.ParseInt(fields[8], 10, 64)
	if err != nil {
		return -1
	}
	return time.Duration(n) * jiffy
}

// files counts the process's file descriptors.
func (m *Monitor) files() Stock {
	dir, err := os.Open(filepath.Join(m.proc, "self", "fd"))
	if err != nil {
		return Stock{-1, -1}
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return Stock{-1, -1}
	}
	return Stock{Used: max(0, len(names)-1), Limit: fileLimit()} // dir itself is one of them
}

// ports counts the TCP sockets of the machine, or of the container: each that
// was dialled from here holds a local port, and so does each in TIME_WAIT. It
// is an upper bound: listeners and accepted connections hold none of the range,
// and one port may serve for several far ends.
func (m *Monitor) ports() (ports Stock, timeWait int) {
	v4, err := os.ReadFile(filepath.Join(m.proc, "net", "sockstat"))
	if err != nil {
		return Stock{-1, -1}, -1
	}
	v6, _ := os.ReadFile(filepath.Join(m.proc, "net", "sockstat6")) // absent without IPv6
	timeWait = field(v4, "TCP:", "tw")
	return Stock{field(v4, "TCP:", "inuse") + field(v6, "TCP6:", "inuse") + timeWait, m.portRange()}, timeWait
}

// portRange is how many ports there are to dial from.
func (m *Monitor) portRange() int {
	text, err := os.ReadFile(filepath.Join(m.proc, "sys", "net", "ipv4", "ip_local_port_range"))
	bounds := strings.Fields(string(text))
	if err != nil || len(bounds) != 2 {
		return -1
	}
	low, err1 := strconv.Atoi(bounds[0])
	high, err2 := strconv.Atoi(bounds[1])
	if err1 != nil || err2 != nil || high < low {
		return -1
	}
	return high - low + 1
}

// field finds "head ... name value ..." in a text; 0 if it is not there.
func field(text []byte, head, name string) int {
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != head {
			continue
		}
		for i := 1; i+1 < len(words); i += 2 {
			if words[i] == name {
				n, _ := strconv.Atoi(words[i+1])
				return n
			}
		}
	}
	return 0
}
