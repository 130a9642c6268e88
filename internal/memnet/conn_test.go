package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

func TestConformance(t *testing.T) {
	t.Run("pipe", func(t *testing.T) {
		nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
			a, b := Pipe()
			return a, b, func() { a.Close(); b.Close() }, nil
		})
	})
	t.Run("dialled", func(t *testing.T) {
		nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
			a, b := connect(t, New(), "127.0.0.2:12000")
			return a, b, func() { a.Close(); b.Close() }, nil
		})
	})
}

// connect listens at addr and returns both ends of one connection to it.
func connect(t *testing.T, n *Network, addr string) (near, far net.Conn) {
	t.Helper()
	l, err := n.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = n.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

func wantErr(t *testing.T, got error, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
	if _, ok := errors.AsType[*net.OpError](got); !ok && want != io.EOF {
		t.Errorf("got error of type %T, want *net.OpError", got)
	}
}

func put(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("write %q: got %d, %v", s, n, err)
	}
}

// An orderly close lets the peer read the rest, then io.EOF; writing to it
// fails with EPIPE.
func TestClose(t *testing.T) {
	a, b := Pipe()
	put(t, a, "rest")
	a.Close()
	got, err := io.ReadAll(b)
	if string(got) != "rest" || err != nil {
		t.Errorf("got %q, %v, want rest", got, err)
	}
	_, err = b.Write([]byte("x"))
	wantErr(t, err, syscall.EPIPE)
	_, err = a.Read(make([]byte, 1))
	wantErr(t, err, net.ErrClosed)
	_, err = a.Write([]byte("x"))
	wantErr(t, err, net.ErrClosed)
	wantErr(t, a.SetDeadline(time.Time{}), net.ErrClosed)
	wantErr(t, a.Close(), net.ErrClosed)
}

// A reset, by any of its three causes, lets the peer read the rest, then
// ECONNRESET; writing to it fails with ECONNRESET.
func TestReset(t *testing.T) {
	for name, reset := range map[string]func(c *Conn){
		"abort":  func(c *Conn) { c.Abort() },
		"linger": func(c *Conn) { c.SetLinger(0); c.Close() },
		"unread": func(c *Conn) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := Pipe()
			put(t, a, "rest")
			if name == "unread" {
				put(t, b, "never read")
			}
			reset(a.(*Conn))
			got, err := io.ReadAll(b)
			if string(got) != "rest" {
				t.Errorf("got %q, want rest", got)
			}
			wantErr(t, err, syscall.ECONNRESET)
			_, err = b.Write([]byte("x"))
			wantErr(t, err, syscall.ECONNRESET)
		})
	}
}

// A close wakes whoever waits, on both ends.
func TestCloseWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		read := func(c net.Conn) <-chan error {
			done := make(chan error, 1)
			go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
			return done
		}
		near, far := read(a), read(b)
		synctest.Wait()
		a.Close()
		wantErr(t, <-near, net.ErrClosed)
		wantErr(t, <-far, io.EOF)
	})
}

func TestCloseWrite(t *testing.T) {
	a, b := Pipe()
	a.(*Conn).CloseWrite()
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want EOF", err)
	}
	put(t, b, "still open")
	b.Close()
	if got, err := io.ReadAll(a); string(got) != "still open" || err != nil {
		t.Errorf("got %q, %v, want still open", got, err)
	}
}

// A writer waits when the window is full, and waiting is durable: virtual time
// passes, the write deadline ends the wait, and nothing beyond the window was
// taken.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		start := time.Now()
		a.SetWriteDeadline(start.Add(time.Hour))
		n, err := a.Write(make([]byte, Window+1))
		if n != Window || time.Since(start) != time.Hour {
			t.Errorf("got %d bytes after %v, want %d after 1h", n, time.Since(start), Window)
		}
		wantErr(t, err, os.ErrDeadlineExceeded)
		if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
		a.SetWriteDeadline(time.Time{})
		go func() { io.CopyN(io.Discard, b, 1) }()
		put(t, a, "x")
	})
}

// A deadline that moves wakes nobody before its last value, later or earlier
// than the timer that is armed.
func TestMovedDeadline(t *testing.T) {
	for _, moved := range []time.Duration{3 * time.Second, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a, _ := Pipe()
			start := time.Now()
			a.SetReadDeadline(start.Add(2 * time.Second))
			a.SetReadDeadline(time.Time{})
			a.SetReadDeadline(start.Add(moved))
			_, err := a.Read(make([]byte, 1))
			wantErr(t, err, os.ErrDeadlineExceeded)
			if got := time.Since(start); got != moved {
				t.Errorf("read ended after %v, want %v", got, moved)
			}
			a.SetReadDeadline(start.Add(9 * time.Second))
			time.Sleep(time.Second)
			a.Close()
		})
	}
}

// What is written is what is read, whatever the sizes of writes and reads.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(r.Uint32())
	}
	a, b := Pipe()
	go func() {
		defer a.Close()
		w := rand.New(rand.NewPCG(3, 4))
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+w.IntN(2*Window))
			a.Write(rest[:n])
			rest = rest[n:]
		}
	}()
	var got []byte
	buf := make([]byte, Window)
	for {
		n, err := b.Read(buf[:1+r.IntN(len(buf))])
		got = append(got, buf[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes that differ from the %d written", len(got), len(want))
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	near, far := Pipe()
	defer near.Close()
	go io.Copy(struct{ io.Writer }{far}, struct{ io.Reader }{far})
	msg := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		near.SetReadDeadline(time.Now().Add(3 * time.Second))
		near.Write(msg)
		if _, err := io.ReadFull(near, msg); err != nil {
			b.Fatal(err)
		}
	}
}
