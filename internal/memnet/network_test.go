package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAddresses(t *testing.T) {
	near, far := connect(t, New(), "127.0.0.2:12000")
	if got := near.RemoteAddr().String(); got != "127.0.0.2:12000" {
		t.Errorf("remote address: got %s, want 127.0.0.2:12000", got)
	}
	if near.LocalAddr().String() != far.RemoteAddr().String() || near.RemoteAddr().String() != far.LocalAddr().String() {
		t.Errorf("addresses of the ends differ: %v-%v and %v-%v",
			near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
	}
	if _, ok := near.LocalAddr().(*net.TCPAddr); !ok {
		t.Errorf("local address: got %T, want *net.TCPAddr", near.LocalAddr())
	}
}

func TestListen(t *testing.T) {
	n := New()
	first, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	second, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if first.Addr().String() == second.Addr().String() {
		t.Errorf("two listeners on %s", first.Addr())
	}
	_, err = n.Listen("tcp", first.Addr().String())
	wantErr(t, err, syscall.EADDRINUSE)
	if _, err := n.Listen("tcp", "127.0.0.2:"+first.Addr().String()[len("127.0.0.1:"):]); err != nil {
		t.Errorf("same port, other address: %v", err)
	}
	first.Close()
	if _, err := n.Listen("tcp", first.Addr().String()); err != nil {
		t.Errorf("address of a closed listener: %v", err)
	}
	for _, bad := range [][2]string{{"udp", "127.0.0.1:1"}, {"tcp", "127.0.0.1"}, {"tcp", "nowhere:1"}, {"tcp", "127.0.0.1:66000"}} {
		_, err := n.Listen(bad[0], bad[1])
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("listen %s: got %v, want *net.OpError", bad, err)
		}
	}
}

func TestUnspecified(t *testing.T) {
	n := New()
	l, err := n.Listen("tcp", ":53")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := n.Dial(t.Context(), "tcp", "127.0.0.9:53")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.RemoteAddr().String(); got != "127.0.0.9:53" {
		t.Errorf("remote address: got %s, want 127.0.0.9:53", got)
	}
}

// Nobody there is ECONNREFUSED; a listener that closes resets whom it never
// accepted and keeps whom it did.
func TestRefused(t *testing.T) {
	n := New()
	_, err := n.Dial(t.Context(), "tcp", "127.0.0.1:1")
	wantErr(t, err, syscall.ECONNREFUSED)

	l, err := n.Listen("tcp", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	accepted, _ := n.Dial(t.Context(), "tcp", "127.0.0.1:1")
	far, _ := l.Accept()
	waiting, _ := n.Dial(t.Context(), "tcp", "127.0.0.1:1")
	l.Close()
	_, err = waiting.Read(make([]byte, 1))
	wantErr(t, err, syscall.ECONNRESET)
	put(t, accepted, "x")
	if _, err := io.ReadFull(far, make([]byte, 1)); err != nil {
		t.Errorf("accepted connection: %v", err)
	}
	_, err = l.Accept()
	wantErr(t, err, net.ErrClosed)
	wantErr(t, l.Close(), net.ErrClosed)
	_, err = n.Dial(t.Context(), "tcp", "127.0.0.1:1")
	wantErr(t, err, syscall.ECONNREFUSED)
}

// A dial into a black hole ends with its context, or succeeds once the hole is
// lifted.
func TestBlackhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		l, err := n.Listen("tcp", "127.0.0.3:1")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		n.Blackhole("127.0.0.3:1", true)
		n.Blackhole("127.0.0.3:1", true)

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = n.Dial(ctx, "tcp", "127.0.0.3:1")
		wantErr(t, err, context.DeadlineExceeded)
		if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("dial ended after %v, want 1m", got)
		}

		time.AfterFunc(time.Second, func() { n.Blackhole("127.0.0.3:1", false) })
		if _, err := n.Dial(t.Context(), "tcp", "127.0.0.3:1"); err != nil {
			t.Errorf("dial after the hole was lifted: %v", err)
		}
	})
}

// A dial waits while the backlog is full.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		l, _ := n.Listen("tcp", "127.0.0.1:1")
		defer l.Close()
		for range Backlog {
			if _, err := n.Dial(t.Context(), "tcp", "127.0.0.1:1"); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(time.Second, func() { l.Accept() })
		start := time.Now()
		if _, err := n.Dial(t.Context(), "tcp", "127.0.0.1:1"); err != nil || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want a connection after 1s", err, time.Since(start))
		}
	})
}

func TestLookup(t *testing.T) {
	n := New()
	_, err := n.Dial(t.Context(), "tcp", "db.example:1")
	if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
		t.Errorf("got %v, want a name that is not found", err)
	}
	n.Lookup = func(_ context.Context, host string) ([]string, error) {
		if host != "db.example" {
			return nil, nil
		}
		return []string{"127.0.0.2"}, nil
	}
	l, _ := n.Listen("tcp", "127.0.0.2:1")
	defer l.Close()
	c, err := n.Dial(t.Context(), "tcp", "db.example:1")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.RemoteAddr().String(); got != "127.0.0.2:1" {
		t.Errorf("remote address: got %s, want 127.0.0.2:1", got)
	}
	if _, err := n.Dial(t.Context(), "tcp", "other.example:1"); err == nil {
		t.Error("a name without addresses was dialled")
	}
}
