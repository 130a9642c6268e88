package bench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"schload/workload"
)

// BenchmarkPeers sets load generators beside each other within one run: same
// server, connections, mix, value size and time, in turn for some rounds. It
// prints a Markdown table; its figures are for reading side by side.
//
//	BENCH_SECONDS=5 go test -run '^$' -bench Peers -benchtime 1x .
func BenchmarkPeers(b *testing.B) {
	for _, pipeline := range []int{1, 16} {
		b.Run(fmt.Sprintf("pipeline=%d", pipeline), func(b *testing.B) {
			common := turn{Addr: realRedis(b), Workers: workers, Pipeline: pipeline, Size: workload.DefaultSize, Length: seconds(b)}
			for b.Loop() {
				comparePeers(b, common)
			}
		})
	}
}

// peer is one load generator; nil figures say that it is not to be had here.
type peer struct {
	name string
	take func(b *testing.B, t turn) figures
	why  string // it is left out
}

func peers(b *testing.B) []peer {
	own := func(loop, arm string) func(*testing.B, turn) figures {
		return func(b *testing.B, t turn) figures {
			t.Loop, t.Arm = loop, arm
			return t.take(b)
		}
	}
	all := []peer{
		{name: "socket loop in Go", take: own("socket", "")},
		{name: "go-redis loop", take: own("bare", "")},
		{name: "schload, arm off", take: own("schload", "off")},
		{name: "schload, arm raw", take: own("schload", "raw")},
		{name: "redis-benchmark", take: redisBenchmark},
		{name: "memtier_benchmark", take: memtier},
	}
	for i, p := range all {
		if _, err := exec.LookPath(p.name); i >= 4 && err != nil {
			all[i].take, all[i].why = nil, "no "+p.name+" here"
		}
	}
	return all
}

func comparePeers(b *testing.B, t turn) {
	all := peers(b)
	of := make([][]figures, len(all))
	for round := range rounds() {
		for k := range all {
			i := (round + k) % len(all)
			if all[i].take != nil {
				of[i] = append(of[i], all[i].take(b, t))
			}
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%d connections, GET 0.8 and SET 0.2 of %d bytes, pipeline %d, %v in turn, median [min .. max] of %d\n\n", t.Workers, t.Size, t.Pipeline, t.Length, rounds())
	table.WriteString("| generator | operations a second | processor, us an operation | p99, ms | memory, MB |\n|---|---|---|---|---|\n")
	for i, p := range all {
		if p.take == nil {
			fmt.Fprintf(&table, "| %s | left out: %s | | | |\n", p.name, p.why)
			continue
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", p.name,
			spread(of[i], "%.0f", figures.rate), spread(of[i], "%.2f", figures.cost),
			spread(of[i], "%.2f", func(f figures) float64 { return micros(f.P99) / 1e3 }),
			spread(of[i], "%.1f", func(f figures) float64 { return float64(f.RSS) / 1e6 }))
		b.ReportMetric(medianOf(of[i], figures.cost), strings.NewReplacer(" ", "-", ",", "").Replace(p.name)+"-cpu")
	}
	os.Stdout.WriteString(table.String() + "\n")
}

// spread is a median with its least and its most.
func spread(of []figures, format string, value func(figures) float64) string {
	var all []float64
	for _, f := range of {
		all = append(all, value(f))
	}
	text := func(v float64) string { return fmt.Sprintf(format, v) }
	return fmt.Sprintf("%s [%s .. %s]", text(median(all)), text(slices.Min(all)), text(slices.Max(all)))
}

// redisBenchmark has no mix and no length: SET and GET come one after the
// other, as many as a first, short run says fit. The worse p99 is reported.
func redisBenchmark(b *testing.B, t turn) figures {
	rate := redisBenchmarkRun(b, t, "set", 20_000*t.Pipeline).rate()
	n := rate * t.Length.Seconds()
	set := redisBenchmarkRun(b, t, "set", int(0.2*n))
	get := redisBenchmarkRun(b, t, "get", int(0.8*n))
	return figures{
		Operations: set.Operations + get.Operations, Took: set.Took + get.Took, CPU: set.CPU + get.CPU,
		P99: max(set.P99, get.P99), RSS: max(set.RSS, get.RSS),
	}
}

func redisBenchmarkRun(b *testing.B, t turn, command string, n int) figures {
	b.Helper()
	host, port, _ := net.SplitHostPort(t.Addr)
	cmd := exec.Command("redis-benchmark", "-h", host, "-p", port, "-c", strconv.Itoa(t.Workers), "-P", strconv.Itoa(t.Pipeline),
		"-d", strconv.Itoa(t.Size), "-r", strconv.Itoa(workload.DefaultSpace), "-n", strconv.Itoa(n), "-t", command, "--csv")
	out, rss, err := watch(cmd)
	if err != nil {
		b.Fatalf("redis-benchmark: %v", err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 2 {
		b.Fatalf("redis-benchmark said %q", out)
	}
	return figures{
		Operations: uint64(n), Took: time.Duration(float64(n) / column(b, rows, "rps") * float64(time.Second)),
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		P99: time.Duration(column(b, rows, "p99_latency_ms") * float64(time.Millisecond)), RSS: rss,
	}
}

// watch runs a command and returns what it printed and the most memory it was
// seen with.
func watch(cmd *exec.Cmd) (out []byte, rss int64, err error) {
	var printed bytes.Buffer
	cmd.Stdout = &printed
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return printed.Bytes(), rss, err
		case <-time.After(20 * time.Millisecond):
			rss = max(rss, peakMemory(strconv.Itoa(cmd.Process.Pid)))
		}
	}
}

// column finds a figure of redis-benchmark by its heading.
func column(b *testing.B, rows [][]string, heading string) float64 {
	b.Helper()
	i := slices.Index(rows[0], heading)
	if i < 0 {
		b.Fatalf("no column %s in %q", heading, rows)
	}
	v, err := strconv.ParseFloat(rows[1][i], 64)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// memtier is told the mix, and for how long; the line Totals has its figures.
func memtier(b *testing.B, t turn) figures {
	b.Helper()
	host, port, _ := net.SplitHostPort(t.Addr)
	cmd := exec.Command("memtier_benchmark", "-s", host, "-p", port, "-t", "1", "-c", strconv.Itoa(t.Workers), "--pipeline", strconv.Itoa(t.Pipeline),
		"-d", strconv.Itoa(t.Size), "--ratio", "1:4", "--key-maximum", strconv.Itoa(workload.DefaultSpace),
		"--test-time", strconv.Itoa(max(1, int(t.Length.Seconds()))), "--hide-histogram")
	out, rss, err := watch(cmd)
	if err != nil {
		b.Fatalf("memtier_benchmark: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line) // Totals ops/s hits/s misses/s average p50 p99 p99.9 KB/s
		if len(words) < 8 || words[0] != "Totals" {
			continue
		}
		rate, err1 := strconv.ParseFloat(words[1], 64)
		p99, err2 := strconv.ParseFloat(words[6], 64)
		if err1 != nil || err2 != nil {
			break
		}
		took := time.Duration(max(1, int(t.Length.Seconds()))) * time.Second
		return figures{Operations: uint64(rate * took.Seconds()), Took: took, P99: time.Duration(p99 * float64(time.Millisecond)),
			CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), RSS: rss}
	}
	b.Fatalf("memtier_benchmark said %q", out)
	return figures{}
}
