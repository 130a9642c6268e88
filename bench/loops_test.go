package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/telemetry/histogram"
	"schload/workload"
)

// stock is what a loop reads and writes: the keys of the harness, with values
// that its verification accepts.
type stock struct{ keys, values []string }

func newStock(size int) stock {
	s := stock{make([]string, workload.DefaultSpace), make([]string, workload.DefaultSpace)}
	for i := range s.keys {
		s.keys[i] = workload.DefaultPrefix + "string:" + strconv.Itoa(i)
		token := workload.Token(s.keys[i])
		s.values[i] = token + strings.Repeat("x", max(0, size-len(token)))
	}
	return s
}

// loop runs a body in every worker until the time is over. A body makes
// t.Pipeline operations; write says which of them are SET.
func (t turn) loop(m *meter, body func(worker int) func(keys []int, write []bool) error) error {
	errs := make([]error, t.Workers)
	latencies := make([]histogram.Histogram, t.Workers)
	counts := make([]uint64, t.Workers)
	bodies := make([]func([]int, []bool) error, t.Workers)
	for w := range bodies {
		bodies[w] = body(w)
	}
	m.start()
	var wg sync.WaitGroup
	for w := range t.Workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			keys, write := make([]int, t.Pipeline), make([]bool, t.Pipeline)
			for now := m.began; now.Sub(m.began) < t.Length; {
				for i := range keys {
					keys[i], write[i] = r.IntN(workload.DefaultSpace), r.Float64() < 0.2
				}
				if errs[w] = bodies[w](keys, write); errs[w] != nil {
					return
				}
				counts[w] += uint64(t.Pipeline)
				then := time.Now()
				latencies[w].Record(then.Sub(now))
				now = then
			}
		})
	}
	wg.Wait()
	m.stop()
	var all histogram.Histogram
	sum := uint64(0)
	for w := range t.Workers {
		all.Merge(&latencies[w])
		sum += counts[w]
		if errs[w] != nil {
			return errs[w]
		}
	}
	m.tell(sum, all.Quantile(0.99))
	return nil
}

// bareLoop is go-redis and nothing else, with the options schload gives it.
func bareLoop(ctx context.Context, t turn, m *meter) error {
	client, nodes, err := bareClient(ctx, t)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := warm(ctx, nodes, t.Workers); err != nil {
		return err
	}
	s := newStock(t.Size)
	single := func(keys []int, write []bool) error {
		if write[0] {
			return client.Set(ctx, s.keys[keys[0]], s.values[keys[0]], 0).Err()
		}
		return present(client.Get(ctx, s.keys[keys[0]]).Err())
	}
	several := func(keys []int, write []bool) error {
		pipe := client.Pipeline()
		for i, k := range keys {
			if write[i] {
				pipe.Set(ctx, s.keys[k], s.values[k], 0)
			} else {
				pipe.Get(ctx, s.keys[k])
			}
		}
		_, err := pipe.Exec(ctx)
		return present(err)
	}
	return t.loop(m, func(int) func([]int, []bool) error {
		if t.Pipeline == 1 {
			return single
		}
		return several
	})
}

func present(err error) error {
	if err == redis.Nil {
		return nil
	}
	return err
}

func bareClient(ctx context.Context, t turn) (redis.UniversalClient, []*redis.Client, error) {
	var dial func(context.Context, string, string) (net.Conn, error)
	if t.Mirror {
		t.Addr, dial = mirrorAddr, dialMirror
	}
	off := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if !t.Cluster {
		c := redis.NewClient(&redis.Options{Addr: t.Addr, Protocol: 3, PoolSize: 2 * t.Workers, PipelinePoolSize: -1,
			Dialer: dial, DisableIdentity: true, MaintNotificationsConfig: off})
		return c, []*redis.Client{c}, nil
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{t.Addr}, Protocol: 3, PoolSize: 2 * t.Workers, PipelinePoolSize: -1,
		Dialer: dial, DisableIdentity: true, MaintNotificationsConfig: off})
	var mu sync.Mutex
	var nodes []*redis.Client
	err := c.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	return c, nodes, err
}

// warm opens a connection for each worker to each node.
func warm(ctx context.Context, nodes []*redis.Client, workers int) error {
	for _, node := range nodes {
		conns := make([]*redis.Conn, workers)
		for i := range conns {
			conns[i] = node.Conn()
			if err := conns[i].Ping(ctx).Err(); err != nil {
				return err
			}
		}
		for _, c := range conns {
			c.Close()
		}
	}
	return nil
}

// socketLoop is a connection for each worker, RESP by hand and the deadlines a
// client needs: the least that Go has to spend.
func socketLoop(_ context.Context, t turn, m *meter) error {
	s := newStock(t.Size)
	conns := make([]net.Conn, t.Workers)
	for w := range conns {
		conn, err := net.Dial("tcp", t.Addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		conns[w] = conn
	}
	return t.loop(m, func(w int) func([]int, []bool) error {
		conn, in := conns[w], bufio.NewReaderSize(conns[w], 32<<10)
		var out []byte
		return func(keys []int, write []bool) error {
			out = out[:0]
			for i, k := range keys {
				if write[i] {
					out = request(out, "set", s.keys[k], s.values[k])
				} else {
					out = request(out, "get", s.keys[k])
				}
			}
			if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
				return err
			}
			if _, err := conn.Write(out); err != nil {
				return err
			}
			for range keys {
				if err := skipReply(in); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

func request(out []byte, args ...string) []byte {
	out = append(strconv.AppendInt(append(out, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		out = append(strconv.AppendInt(append(out, '$'), int64(len(a)), 10), "\r\n"...)
		out = append(append(out, a...), "\r\n"...)
	}
	return out
}

// skipReply reads one reply to GET or SET.
func skipReply(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	switch line[0] {
	case '+':
		return nil
	case '$':
		n := 0
		for _, c := range line[1:] {
			if c == '-' {
				return nil // nil
			}
			if c >= '0' && c <= '9' {
				n = 10*n + int(c-'0')
			}
		}
		_, err = in.Discard(n + 2)
		return err
	}
	if line[0] == '-' {
		return fmt.Errorf("%s", line)
	}
	return io.ErrUnexpectedEOF
}
