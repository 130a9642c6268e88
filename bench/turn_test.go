package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// turn is one stretch of load in a process of its own: what it costs is then
// the process's, whoever made it, and no loop runs among what another left in
// the heap. (go-redis also keeps one recorder for a whole process, and the bare
// loop must not pay for schload's.)
type turn struct {
	Loop     string // bare, socket or schload
	Arm      string // of schload
	Addr     string
	Mirror   bool // connections that answer by themselves, no Addr
	Cluster  bool
	Workers  int
	Pipeline int
	Size     int // of written values, bytes
	Length   time.Duration
}

// figures is what a turn made and cost. Processor time is counted from the
// first operation to the last, memory is the most the process had.
type figures struct {
	Operations uint64
	Took       time.Duration
	CPU        time.Duration
	P99        time.Duration // from the send to the reply, of a pipeline to its last
	RSS        int64         // bytes
}

func (f figures) rate() float64 { return float64(f.Operations) / f.Took.Seconds() }

// cost is the processor time of an operation in microseconds.
func (f figures) cost() float64 { return micros(f.CPU) / float64(f.Operations) }

const turnEnv = "BENCH_TURN"

// TestMain is the other process, too: with BENCH_TURN it makes that turn.
func TestMain(m *testing.M) {
	text := os.Getenv(turnEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := makeTurn(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func makeTurn(text string) error {
	var t turn
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	loops := map[string]func(context.Context, turn, *meter) error{"bare": bareLoop, "socket": socketLoop, "schload": schloadLoop}
	loop := loops[t.Loop]
	if loop == nil {
		return fmt.Errorf("no loop %q", t.Loop)
	}
	var m meter
	if err := loop(context.Background(), t, &m); err != nil {
		return fmt.Errorf("%+v: %w", t, err)
	}
	return json.NewEncoder(os.Stdout).Encode(m.figures)
}

// meter takes the figures between start and stop. What comes before and after,
// such as making keys and adding up histograms, is no cost of an operation.
type meter struct {
	figures
	began time.Time
	spent time.Duration
}

func (m *meter) start() {
	m.began, m.spent = time.Now(), processorTime()
}

func (m *meter) stop() {
	m.Took, m.CPU = time.Since(m.began), processorTime()-m.spent
}

func (m *meter) tell(operations uint64, p99 time.Duration) {
	m.Operations, m.P99, m.RSS = operations, p99, peakMemory("self")
}

// take makes the turn in another process.
func (t turn) take(b *testing.B) figures {
	b.Helper()
	text, err := json.Marshal(t)
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), turnEnv+"="+string(text))
	out, err := cmd.Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
		b.Fatal(err)
	}
	var f figures
	if err := json.Unmarshal(out, &f); err != nil {
		b.Fatalf("%s: %v", out, err)
	}
	if f.Operations == 0 {
		b.Fatalf("%+v: no operation ended", t)
	}
	return f
}

// peakMemory is the most resident memory a process has had, in bytes; 0 where
// the system does not tell. (The figure of getrusage is no less than what the
// parent had when it forked.)
func peakMemory(pid string) int64 {
	text, _ := os.ReadFile("/proc/" + pid + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
