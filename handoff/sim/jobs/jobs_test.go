package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// lasting is work that takes a while and says so.
func lasting(d time.Duration) Work {
	return func(ctx context.Context, expect func(time.Duration)) (map[string]any, error) {
		expect(d)
		select {
		case <-time.After(d):
			return map[string]any{"took": d}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func inBubble(t *testing.T, limit int, test func(t *testing.T, q *Queue)) {
	synctest.Test(t, func(t *testing.T) {
		q := New(limit)
		defer q.Close()
		test(t, q)
	})
}

func submit(t *testing.T, q *Queue, work Work) string {
	t.Helper()
	j, err := q.Submit("test", "", work)
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != Pending {
		t.Errorf("status %s of a job just submitted, want %s", j.Status, Pending)
	}
	return j.ID
}

func want(t *testing.T, q *Queue, id string, status Status, progress float64) Job {
	t.Helper()
	j, ok := q.Job(id)
	if !ok || j.Status != status || j.Progress != progress {
		t.Errorf("job %s at %v: status %s, progress %v; want %s, %v", id, time.Now(), j.Status, j.Progress, status, progress)
	}
	return j
}

// Jobs run one after the other, in their order, and tell how far they are.
func TestSerial(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, q *Queue) {
		a, b := submit(t, q, lasting(10*time.Second)), submit(t, q, lasting(4*time.Second))
		time.Sleep(5 * time.Second)
		want(t, q, a, Running, 50)
		want(t, q, b, Pending, 0)
		time.Sleep(8 * time.Second)
		j := want(t, q, a, Success, 100)
		if j.Ended.Sub(j.Started) != 10*time.Second || j.Output["took"] != 10*time.Second {
			t.Errorf("job took %v and says %v", j.Ended.Sub(j.Started), j.Output)
		}
		want(t, q, b, Running, 75)
		if got := q.Jobs(); len(got) != 2 || got[0].ID != a {
			t.Errorf("list %v, want both jobs, oldest first", got)
		}
	})
}

// A failure, or a panic, is the job's own.
func TestFailure(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, q *Queue) {
		failing := submit(t, q, func(context.Context, func(time.Duration)) (map[string]any, error) {
			return nil, errors.New("no such thing")
		})
		panicking := submit(t, q, func(context.Context, func(time.Duration)) (map[string]any, error) { panic("oops") })
		good := submit(t, q, lasting(0))
		synctest.Wait()
		if j := want(t, q, failing, Failed, 0); j.Err != "no such thing" {
			t.Errorf("error %q", j.Err)
		}
		if j := want(t, q, panicking, Failed, 0); j.Err != "the job panicked: oops" {
			t.Errorf("error %q", j.Err)
		}
		want(t, q, good, Success, 100)
	})
}

// What waits and what is remembered is bounded.
func TestBounds(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, q *Queue) {
		submit(t, q, lasting(time.Hour))
		synctest.Wait()
		submit(t, q, lasting(0))
		submit(t, q, lasting(0))
		if _, err := q.Submit("test", "", lasting(0)); !errors.Is(err, ErrFull) {
			t.Errorf("error %v, want ErrFull", err)
		}
		time.Sleep(2 * time.Hour)
		for range 3 * remembered {
			submit(t, q, lasting(0))
			synctest.Wait()
		}
		if got := len(q.Jobs()); got > remembered+2 {
			t.Errorf("%d jobs are remembered, want at most %d", got, remembered+2)
		}
	})
}

// Close ends what runs; what waits fails, and nothing more is taken.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(10)
		a, b := submit(t, q, lasting(time.Hour)), submit(t, q, lasting(0))
		synctest.Wait()
		q.Close()
		want(t, q, a, Failed, 0)
		want(t, q, b, Failed, 0)
		if _, err := q.Submit("test", "", lasting(0)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}
