package handoff

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/workload"
)

// With AutoPipeline many workers share few connections and pipelines, and each
// gets its own reply.
func TestAutoPipeline(t *testing.T) {
	alone(t, func(t *testing.T) {
		w := newWorld(t)
		w.main.setDelay(time.Millisecond)
		c := w.open(gathering(w.config("off")))
		crowd(t, c, 64, 10)
		s := c.Observe()
		if s.Pipelines.Commands < 640 || s.Pipelines.Sent > s.Pipelines.Commands/4 {
			t.Errorf("%+v: want 640 commands in pipelines of 4 at least", s.Pipelines)
		}
		if s.Connections > 4 || s.Retries != (Retries{}) {
			t.Errorf("%d connections, %+v: want a few, and no retry", s.Connections, s.Retries)
		}
	})
}

func TestAutoPipelineCluster(t *testing.T) {
	alone(t, func(t *testing.T) {
		n := newNodes(t)
		for _, s := range n.servers {
			s.setDelay(time.Millisecond)
		}
		c := n.open(gathering(n.config("off")))
		crowd(t, c, 64, 10)
		s := c.Observe()
		if s.Pipelines.Commands < 640 || s.Pipelines.Sent > s.Pipelines.Commands/2 || len(s.Nodes) != 3 {
			t.Errorf("%+v on nodes %v: want 640 commands in pipelines to 3 nodes", s.Pipelines, s.Nodes)
		}
		n.give(nodeAddrs[1], nodeAddrs[2])
		wantDone(t, do(t, c, set(n.keys(nodeAddrs[2], 1)[0])), 1)
	})
}

// alone runs a test in a bubble and a process of its own: the library keeps the
// timers of those who wait for a pipeline from one client to the next, and a
// timer of one bubble must not be used in another.
func alone(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if os.Getenv("ALONE") == t.Name() {
		synctest.Test(t, test)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run", "^"+t.Name()+"$", "-test.count", "1", "-test.timeout", "1m")
	cmd.Env = append(os.Environ(), "ALONE="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func gathering(c Config) Config {
	c.AutoPipeline, c.Workers = true, 64
	return c
}

// crowd has workers read and write, each its own key.
func crowd(t *testing.T, c *Client, workers, each int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			key, out := fmt.Sprintf("key-%d", i), make([]workload.Outcome, 1)
			for n := range each {
				op := set(key)
				if n%2 == 1 {
					op = get(key)
				}
				c.Do(context.Background(), []workload.Operation{op}, out)
				if out[0] != (workload.Outcome{Attempts: 1}) {
					t.Errorf("worker %d, operation %d: %+v", i, n, out[0])
				}
			}
		})
	}
	wg.Wait()
}

// Nothing is known of the tries of a command in company: when a write fails,
// it may have been executed.
func TestAutoPipelineFailure(t *testing.T) {
	alone(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(gathering(w.config("off+max_retries=1+dial_retries=1")))
		w.main.closeAll(true)
		_ = w.main.listener.Close()
		if o := do(t, c, set("k"))[0]; o.Class != workload.DialRefused || o.Effect != workload.Indeterminate {
			t.Errorf("outcome %+v, want a refused dial that may have been executed", o)
		}
		if o := do(t, c, get("k"))[0]; o.Effect != workload.NotApplied {
			t.Errorf("outcome %+v: a GET changes nothing", o)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if o := do(t, c, get("k"))[0]; o.Class == workload.OK {
			t.Errorf("outcome %+v of a closed client", o)
		}
	})
}

func TestAutoPipelineRaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if err := gathering(w.config("raw")).Validate(); err == nil {
			t.Error("bare connections are to gather pipelines: want an error")
		}
	})
}
