package telemetry

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// One computes at a time, whoever sends is followed before it has its answer,
// and nobody waits longer than its context.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn, computing := newTurn(), atomic.Int32{}
		for range 3 {
			go func() {
				_ = turn.hold(t.Context(), func(ctx context.Context) error {
					if n := computing.Add(1); n != 1 {
						t.Errorf("%d compute at once", n)
					}
					time.Sleep(time.Millisecond) // computes
					computing.Add(-1)
					underWay(ctx)
					time.Sleep(time.Hour) // waits for an answer
					underWay(ctx)         // of no effect on whose turn it is then
					return nil
				})
			}()
		}
		start := time.Now()
		time.Sleep(4 * time.Millisecond)
		if err := turn.hold(t.Context(), func(context.Context) error { return nil }); err != nil || time.Since(start) != 4*time.Millisecond {
			t.Errorf("a turn after %v, error %v: want it at once after 4 ms", time.Since(start), err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestTurnEnds(t *testing.T) {
	theirs, failed := newTurn(), errors.New("no room")
	if err := theirs.hold(t.Context(), func(context.Context) error { return failed }); err != failed {
		t.Errorf("error %v: want that of what was done", err)
	}
	err := theirs.hold(t.Context(), func(context.Context) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return theirs.hold(ctx, func(context.Context) error { t.Error("two turns"); return nil })
	})
	if err != context.Canceled {
		t.Errorf("error %v: want that of the context", err)
	}
	var anybodys turn
	if err := anybodys.hold(t.Context(), func(ctx context.Context) error { underWay(ctx); return nil }); err != nil {
		t.Error(err)
	}
}

// A receiver that does not answer, or cannot be reached, keeps what goes into
// the file from nothing.
func TestTurnIsNotHeldWhileWaiting(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(t *testing.T) string
	}{
		{"http, no answer", func(t *testing.T) string { return open(t, HTTP, nil).url }},
		{"grpc, no answer", func(t *testing.T) string { return open(t, GRPC, nil).url }},
		{"no connection", func(t *testing.T) string { return "grpc://" + deaf(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			console := written{make(chan struct{}), t.Context().Done()}
			started(t, Config{Endpoint: c.open(t), File: Stdout, Console: console, Interval: 10 * time.Millisecond, Timeout: time.Minute})
			for range 30 { // ten of each source: those to the receiver had their turn long before
				select {
				case <-console.lines:
				case <-time.After(20 * time.Second):
					t.Fatal("the file gets no lines any more")
				}
			}
		})
	}
}

// written tells of each line until the test is over.
type written struct {
	lines chan struct{}
	over  <-chan struct{}
}

func (w written) Write(p []byte) (int, error) {
	select {
	case w.lines <- struct{}{}:
	case <-w.over:
	}
	return len(p), nil
}

// deaf is the address of a server that says nothing to who connects.
func deaf(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}
