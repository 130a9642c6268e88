package sim

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/sim/resp"
)

// BenchmarkCrowd has 500 clients read and write through the front and past it.
// As fast as they can it shows the ceiling; at 50 000 operations a second,
// which is what a run of ours may offer, the latency that the front adds.
// Clients and stores share the machine.
func BenchmarkCrowd(b *testing.B) {
	redis := redisServer(b)
	for _, load := range []struct {
		name string
		rate int
	}{{"ceiling", 0}, {"50k", 50_000}} {
		b.Run(load.name+"/memory direct", func(b *testing.B) { crowdOf(b, miniredis.RunT(b).Addr(), load.rate) })
		b.Run(load.name+"/memory front", func(b *testing.B) { crowdOf(b, startReal(b, Config{}).Nodes()[0].Addr, load.rate) })
		b.Run(load.name+"/redis direct", func(b *testing.B) { crowdOf(b, redis, load.rate) })
		b.Run(load.name+"/redis front", func(b *testing.B) {
			crowdOf(b, startReal(b, Config{Shards: []string{"redis://" + redis}}).Nodes()[0].Addr, load.rate)
		})
	}
}

const (
	crowdSize   = 500
	crowdLasts  = 2 * time.Second
	crowdWrites = 5 // one of so many operations is a SET
)

// crowdOf reports operations a second and the spread of round trips; rate 0 is
// a closed loop without pauses. One benchmark iteration is one run.
func crowdOf(b *testing.B, addr string, rate int) {
	for b.Loop() {
		var every time.Duration
		if rate > 0 {
			every = time.Duration(crowdSize) * time.Second / time.Duration(rate)
		}
		conns := make([]net.Conn, crowdSize)
		for i := range conns {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			conns[i] = conn
		}
		took := make([][]time.Duration, crowdSize)
		var wg sync.WaitGroup
		start := time.Now().Add(50 * time.Millisecond)
		for i, conn := range conns {
			wg.Go(func() { took[i] = oneOfCrowd(b, conn, start.Add(every*time.Duration(i)/crowdSize), every) })
		}
		wg.Wait()
		all := slices.Concat(took...)
		slices.Sort(all)
		b.ReportMetric(float64(len(all))/crowdLasts.Seconds(), "ops/s")
		b.ReportMetric(float64(all[len(all)/2])/1e3, "p50-us")
		b.ReportMetric(float64(all[len(all)*99/100])/1e3, "p99-us")
		b.ReportMetric(0, "ns/op")
	}
}

// oneOfCrowd sends one command after the other, or one every so often.
func oneOfCrowd(b *testing.B, conn net.Conn, next time.Time, every time.Duration) (took []time.Duration) {
	r := bufio.NewReader(conn)
	value := strings.Repeat("x", 64)
	set, get := resp.AppendRequest(nil, "SET", "key", value), resp.AppendRequest(nil, "GET", "key")
	answers := [2]int{len("+OK\r\n"), len(resp.AppendBulk(nil, value))}
	reply := make([]byte, 256)
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	<-timer.C
	for n, end := 0, next.Add(crowdLasts); time.Now().Before(end); n++ {
		request, size := get, answers[1]
		if n%crowdWrites == 0 {
			request, size = set, answers[0]
		}
		begun := time.Now()
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
			return took
		}
		if _, err := io.ReadFull(r, reply[:size]); err != nil {
			b.Error(err)
			return took
		}
		took = append(took, time.Since(begun))
		if next = next.Add(every); every > 0 {
			timer.Reset(time.Until(next))
			<-timer.C
		}
	}
	return took
}
