package handoff

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// The cost of an arm over the bare library. The bare client has the same
// options and a plain dialler, and runs without our recorder. The arm raw has
// no library: what it is faster by, the library costs.
//
//	go test -bench Do -cpu 1,4 -count 10 | benchstat -col /client
func BenchmarkDo(b *testing.B) {
	addr := reflector(b)
	for _, pipeline := range []struct {
		name string
		ops  int
	}{{"single", 1}, {"pipeline=16", 16}} {
		ops := make([]workload.Operation, pipeline.ops)
		for i := range ops {
			ops[i] = workload.Operation{Command: "GET", Key: "schload:string:42"}
		}
		b.Run(pipeline.name+"/client=bare", func(b *testing.B) { benchBare(b, addr, len(ops)) })
		b.Run(pipeline.name+"/client=arm", func(b *testing.B) { benchArm(b, addr, "off", ops) })
		b.Run(pipeline.name+"/client=raw", func(b *testing.B) { benchArm(b, addr, "raw", ops) })
	}
}

func benchArm(b *testing.B, addr, name string, ops []workload.Operation) {
	arm, err := ParseArm(name)
	if err != nil {
		b.Fatal(err)
	}
	target, err := ParseTarget("redis://" + addr)
	if err != nil {
		b.Fatal(err)
	}
	c, err := Open(b.Context(), Config{Arm: arm, Target: target, Workers: 16})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		outcomes, worker := make([]workload.Outcome, len(ops)), c.Fork()
		for pb.Next() {
			worker.Do(context.Background(), ops, outcomes)
			if outcomes[0].Class != workload.OK {
				b.Errorf("%+v", outcomes[0])
			}
		}
	})
}

func benchBare(b *testing.B, addr string, n int) {
	redis.SetOTelRecorder(nil)
	defer redis.SetOTelRecorder(recorder{})
	config := Config{Arm: Arm{Mode: Off}.Resolve(16), Target: Target{host: "127.0.0.1", port: 1}}
	config.Arm.EndpointType = InternalIP
	options := settings(config, nil)
	options.Addr = addr
	client := redis.NewClient(options)
	defer client.Close()
	ctx := context.Background()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var err error
			if n == 1 {
				err = client.Get(ctx, "schload:string:42").Err()
			} else {
				pipe := client.Pipeline()
				for range n {
					pipe.Get(ctx, "schload:string:42")
				}
				_, err = pipe.Exec(ctx)
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// reflector is a server as cheap as one can be: it counts commands and answers
// each GET with the same value.
func reflector(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	return l.Addr().String()
}

func answerAll(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)
	value := bulkReply("schload:string:42|0123456789012345678901234567890123456789")
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		switch args[0] {
		case "get":
			_, _ = io.WriteString(w, value)
		case "hello":
			_, _ = io.WriteString(w, "%1\r\n+proto\r\n:3\r\n")
		default:
			_, _ = io.WriteString(w, "+PONG\r\n")
		}
		if r.Buffered() == 0 {
			_ = w.Flush()
		}
	}
}
