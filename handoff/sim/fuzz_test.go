package sim

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"schload/handoff/sim/resp"
	"schload/internal/memnet"
)

// Law: whatever a client sends, it costs its own connection at most. What
// comes back are whole frames, and another client is served.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		cmd("HELLO 3") + cmd("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none") + cmd("GET k"),
		cmd("MULTI") + cmd("SET k v") + cmd("EXEC") + cmd("QUIT"),
		cmd("SUBSCRIBE a") + cmd("PING") + cmd("RESET") + cmd("HELLO 2 AUTH a b SETNAME c"),
		cmd("AUTH a b") + cmd("CLIENT SETINFO lib-name x") + cmd("CLIENT") + "PING\r\n*0\r\n",
		cmd("WATCH k") + cmd("XREAD STREAMS x 0") + cmd("CLIENT REPLY OFF") + "*1\r\n$-1\r\n",
	} {
		f.Add([]byte(seed))
	}
	fuzzClient(f, Config{})
}

func fuzzClient(f *testing.F, config Config) {
	network := memnet.New()
	config.Listen, config.Port = network.Listen, 12000
	s := startReal(f, config)
	f.Fuzz(func(t *testing.T, in []byte) {
		conn, err := network.Dial(t.Context(), "tcp", node1)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			conn.Write(in)
			conn.(*memnet.Conn).CloseWrite()
		}()
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		replies := resp.NewReplies(conn)
		for err == nil {
			_, err = replies.Next()
		}
		if err != io.EOF && !isReset(err) {
			t.Errorf("replies to %q end in %v", in, err)
		}
		other := &realPeer{TB: t, replies: nil}
		other.Conn, err = network.Dial(t.Context(), "tcp", s.Nodes()[0].Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Conn.Close()
		other.SetDeadline(time.Now().Add(10 * time.Second))
		other.replies = resp.NewReplies(other.Conn)
		other.do("PING", "+PONG\r\n")
	})
}

// isReset: a client that is ended while it still sends may see a reset.
func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
