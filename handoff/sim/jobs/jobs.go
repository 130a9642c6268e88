package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ErrFull is returned by Submit while too many jobs wait.
var ErrFull = errors.New("too many jobs are waiting: ask again when some have ended")

// ErrClosed is returned by Submit once the queue has been closed.
var ErrClosed = errors.New("the queue of jobs is closed")

// Status is how far a job has come.
type Status string

// The statuses, in their order. A job ends as Success or Failed.
const (
	Pending Status = "pending"
	Running Status = "running"
	Success Status = "success"
	Failed  Status = "failed"
)

// Ended reports whether nothing of the job will change any more.
func (s Status) Ended() bool { return s == Success || s == Failed }

// Job is one piece of work as it is now.
type Job struct {
	ID     string // "1", "2", ... in the order of submission
	Kind   string // failover, create_database, ...
	Object string // what it is about, for lists: "bdb:1", "node:2"; may be empty
	Status Status

	// Progress is 0 to 100. While a job runs it is how much of the time it
	// expects has passed, at most 99.
	Progress float64

	Submitted      time.Time
	Started, Ended time.Time      // zero before
	Output         map[string]any // of one that succeeded; not to be changed
	Err            string         // why it failed
}

// Work does a job. It returns soon after ctx ends. Expect, which it may call,
// says how long the rest will take.
type Work func(ctx context.Context, expect func(time.Duration)) (output map[string]any, err error)

// Queue runs jobs. Its methods are safe for concurrent use.
type Queue struct {
	cancel context.CancelFunc
	wake   chan struct{} // holds one token when something waits
	ended  chan struct{}
	limit  int

	mu       sync.Mutex
	closed   bool
	last     int
	jobs     []*job // oldest first
	expected time.Time
}

type job struct {
	Job
	work Work
}

// remembered is how many ended jobs are kept.
const remembered = 1000

// New starts a queue in which at most limit jobs wait, 1 or more.
func New(limit int) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{cancel: cancel, wake: make(chan struct{}, 1), ended: make(chan struct{}), limit: limit}
	go q.run(ctx)
	return q
}

// Close ends the job that runs and returns when it has. Those that wait fail.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cancel()
	<-q.ended
}

// Submit appends a job and returns at once.
func (q *Queue) Submit(kind, object string, work Work) (Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return Job{}, ErrClosed
	}
	if q.waiting() >= q.limit {
		return Job{}, ErrFull
	}
	q.last++
	j := &job{Job: Job{ID: strconv.Itoa(q.last), Kind: kind, Object: object, Status: Pending, Submitted: time.Now()}, work: work}
	q.jobs = append(q.jobs, j)
	q.forget()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return j.Job, nil
}

func (q *Queue) waiting() int {
	n := 0
	for _, j := range q.jobs {
		if j.Status == Pending {
			n++
		}
	}
	return n
}

// forget lets the oldest ended jobs go.
func (q *Queue) forget() {
	surplus := len(q.jobs) - q.limit - remembered
	q.jobs = slices.DeleteFunc(q.jobs, func(j *job) bool {
		if surplus <= 0 || !j.Status.Ended() {
			return false
		}
		surplus--
		return true
	})
}

// Job finds a job by its id.
func (q *Queue) Job(id string) (Job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.jobs {
		if j.ID == id {
			return q.look(j), true
		}
	}
	return Job{}, false
}

// Jobs are those remembered, oldest first.
func (q *Queue) Jobs() []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Job, 0, len(q.jobs))
	for _, j := range q.jobs {
		all = append(all, q.look(j))
	}
	return all
}

// look is a copy with the progress of this instant, which never goes back.
func (q *Queue) look(j *job) Job {
	if j.Status == Running && q.expected.After(j.Started) {
		share := time.Since(j.Started).Seconds() / q.expected.Sub(j.Started).Seconds()
		j.Progress = max(j.Progress, float64(int(min(99, 100*share))))
	}
	return j.Job
}

func (q *Queue) run(ctx context.Context) {
	defer close(q.ended)
	for {
		j := q.next(ctx)
		if j == nil {
			return
		}
		output, err := q.do(ctx, j.work)
		q.finish(j, output, err)
	}
}

// next waits for a job and takes it up; nil when the queue is closed, by which
// time every job that waited has failed.
func (q *Queue) next(ctx context.Context) *job {
	for {
		if j := q.take(ctx.Err() != nil); j != nil || ctx.Err() != nil {
			return j
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

func (q *Queue) take(closed bool) *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.jobs {
		switch {
		case j.Status != Pending:
		case closed:
			j.Status, j.Ended, j.Err, j.work = Failed, time.Now(), ErrClosed.Error(), nil
		default:
			j.Status, j.Started = Running, time.Now()
			q.expected = j.Started
			return j
		}
	}
	return nil
}

// do runs the work. One that panics has failed; the queue goes on.
func (q *Queue) do(ctx context.Context, work Work) (output map[string]any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the job panicked: %v", p)
		}
	}()
	return work(ctx, func(d time.Duration) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.expected = time.Now().Add(d)
	})
}

func (q *Queue) finish(j *job, output map[string]any, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.Ended, j.work = time.Now(), nil
	if err != nil {
		j.Status, j.Err = Failed, err.Error()
		return
	}
	j.Status, j.Output, j.Progress = Success, output, 100
}
