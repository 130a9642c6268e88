package telemetry

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/telemetry/record"
)

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// stacks lists where the goroutines were created that belong to telemetry or
// to what it uses.
func stacks() []string {
	buffer := make([]byte, 1<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	// The receivers of the tests are not what is looked for.
	receivers := []string{"schload/telemetry.(*receiver).discard", "schload/telemetry.open"}
	var out []string
	for _, stack := range strings.Split(string(buffer), "\n\n") {
		_, creator, _ := strings.Cut(stack, "created by ")
		creator, _, _ = strings.Cut(creator, " in goroutine")
		for _, ours := range []string{"schload/telemetry.", "go.opentelemetry.io", "google.golang.org/grpc", "net/http.(*Transport)"} {
			if strings.HasPrefix(creator, ours) && !slices.Contains(receivers, creator) {
				out = append(out, creator)
			}
		}
	}
	slices.Sort(out)
	return out
}

// surplus lists the stacks that were not there before. Connections of earlier
// tests may still be ending, so fewer are no surprise.
func surplus(before []string) (out []string) {
	rest := slices.Clone(before)
	for _, stack := range stacks() {
		if i := slices.Index(rest, stack); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			out = append(out, stack)
		}
	}
	return out
}

// After Close, no goroutine of an Exporter is left: whether the receiver was
// well, hung or was not there.
func TestNoGoroutineIsLeft(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		before := stacks()
		for _, url := range []string{refused(t, protocol), ""} {
			if url == "" {
				r := open(t, protocol, nil)
				r.discard(t)
				url = r.url
			}
			e := started(t, Config{Endpoint: url, Interval: time.Millisecond, Timeout: 50 * time.Millisecond, Prometheus: "127.0.0.1:0"})
			e.Interval(record.Interval{To: time.Second, Series: []record.Series{seriesOf("on", "GET", "ok", record.Baseline, 1, 1)}})
			_ = e.Flush(context.Background())
			_ = e.Close(context.Background())
		}
		// A connection's own goroutines see its end a moment after it was closed.
		deadline := time.Now().Add(10 * time.Second)
		for left := surplus(before); len(left) > 0; left = surplus(before) {
			if time.Now().After(deadline) {
				t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
			}
			runtime.Gosched()
		}
	})
}
