package vitals

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// proc writes what a Linux system shows.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestProc(t *testing.T) {
	files := map[string]string{
		"stat":                             "cpu  10 0 20 300 0 0 0 40 0 0\ncpu0 1 2 3\n",
		"net/sockstat":                     "sockets: used 9\nTCP: inuse 12 orphan 0 tw 300 alloc 20 mem 1\nUDP: inuse 3 mem 0\n",
		"net/sockstat6":                    "TCP6: inuse 5\n",
		"sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
		"self/statm":                       "200 30 5 1 0 9 0\n",
		"self/fd/0":                        "", "self/fd/1": "", "self/fd/2": "",
	}
	dir := proc(t, files)
	m := newMonitor(dir)
	if err := os.WriteFile(filepath.Join(dir, "stat"), []byte("cpu  10 0 20 300 0 0 0 65 0 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := m.Read()
	if r.Steal != 250*time.Millisecond || r.Ports != (Stock{317, 28232}) || r.TimeWait != 300 || r.Files.Used != 2 {
		t.Errorf("%+v: want 250ms stolen, 317 of 28232 ports, 300 in TIME_WAIT, 2 files", r)
	}
	if want := 30 * int64(os.Getpagesize()); r.Memory != want || m.Whole().Memory != want {
		t.Errorf("memory %d, of the whole %d: want %d", r.Memory, m.Whole().Memory, want)
	}
	if w := m.Whole(); w.Steal != r.Steal || w.Ports != r.Ports || w.Files != r.Files {
		t.Errorf("whole %+v, want what the only reading had", w)
	}
}

// What is not told is unknown, and nonsense is not told.
func TestUnknown(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing":  nil,
		"nonsense": {"stat": "cpu a b c d e f g h\n", "sys/net/ipv4/ip_local_port_range": "9 1", "self/statm": "1 x", "net/sockstat": ""},
	} {
		r := newMonitor(proc(t, files)).Read()
		if r.Steal != -1 || r.Memory != -1 || r.Files != (Stock{-1, -1}) || r.Ports.Limit != -1 {
			t.Errorf("%s: %+v, want unknown", name, r)
		}
	}
}

// The real system, whatever it shows: a busy second costs processor time.
func TestMonitor(t *testing.T) {
	m := NewMonitor()
	for begun, used := time.Now(), processorTime(); time.Since(begun) < 30*time.Millisecond ||
		runtime.GOOS == "linux" && processorTime()-used < 15*time.Millisecond; {
	}
	runtime.GC()
	r := m.Read()
	if r.Length < 30*time.Millisecond || r.Processors < 1 || r.Pauses.Count == 0 || r.Steps != 0 {
		t.Errorf("%+v", r)
	}
	if runtime.GOOS == "linux" && (r.CPU < 10*time.Millisecond || r.Memory < 1<<20 || r.Files.Used < 3 || r.Files.Limit < r.Files.Used || r.Ports.Limit < 1) {
		t.Errorf("%+v: want processor time, files and ports", r)
	}
}

func TestSpread(t *testing.T) {
	buckets := []float64{math.Inf(-1), 0, 0.001, 0.002, 0.004, math.Inf(1)}
	before := metrics.Float64Histogram{Counts: []uint64{0, 5, 5, 0, 0}, Buckets: buckets}
	now := metrics.Float64Histogram{Counts: []uint64{0, 103, 6, 0, 1}, Buckets: buckets}
	want := Spread{Count: 100, P50: time.Millisecond, P99: 2 * time.Millisecond, Max: 4 * time.Millisecond, Sum: 104 * time.Millisecond}
	if got := spread(before, now); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := spread(now, now); got != (Spread{}) {
		t.Errorf("nothing: %+v", got)
	}
}

func TestClockStep(t *testing.T) {
	m := newMonitor(t.TempDir())
	now := time.Now()
	m.stepped(now)
	m.skew -= 3 * time.Millisecond // a clock that is being adjusted
	if n, d := m.stepped(now); n != 0 || d != 0 {
		t.Errorf("adjusted: %d steps, %v", n, d)
	}
	m.skew += 2 * time.Second
	if n, d := m.stepped(now); n != 1 || d != -2*time.Second {
		t.Errorf("set back: %d steps of %v, want one of -2s", n, d)
	}
}

func BenchmarkRead(b *testing.B) {
	m := NewMonitor()
	b.ReportAllocs()
	for b.Loop() {
		m.Read()
	}
}
