package stage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// FaultInjector is the stage on which a fault injector does the upgrade: the
// HTTP service with which Redis' own test suites drive a cluster. The upgrade
// begins with the request and is over when the job has ended.
type FaultInjector struct {
	Base  time.Time // what marks count from
	Marks mark.Sink

	URL     *url.URL
	Action  Action
	Longest time.Duration // a job that takes longer is an error; 0: it is waited for

	Say func(line string) // tells the user how it goes

	Simulated bool // it says that it is a simulator: nothing it does is real; set by Greet

	client http.Client
	round  int
}

const (
	pollEvery  = 100 * time.Millisecond // of a job's status
	answerIn   = 5 * time.Second        // each request
	silentFor  = 30 * time.Second       // a job of which nothing is heard for so long is given up
	mostAnswer = 1 << 20                // bytes that are read of an answer
)

// ParseFaultInjector reads the URL of a fault injector.
func ParseFaultInjector(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("fault injector: want a URL such as http://127.0.0.1:20324") // the text may hold a password
	}
	return u, nil
}

// Greet finds out whether the fault injector is there, and whether it is a
// simulator.
func (f *FaultInjector) Greet(ctx context.Context) error {
	var answer struct {
		Simulated bool `json:"simulated"`
	}
	code, body, err := f.ask(ctx, http.MethodGet, "health", nil)
	if err != nil {
		return fmt.Errorf("fault injector %s: %w: is it running, and is the address right?", f.URL.Redacted(), err)
	}
	if code/100 != 2 {
		return nil // not all of them know the question
	}
	_ = json.Unmarshal(body, &answer) // others answer in their own way
	f.Simulated = answer.Simulated
	return nil
}

// Begin implements Real: the job is asked for right away.
func (f *FaultInjector) Begin(ctx context.Context, round int) error {
	f.round = round
	return context.Cause(ctx)
}

// Play implements Stage. A job that fails is an error that repeats what the
// fault injector says of it.
func (f *FaultInjector) Play(ctx context.Context, _ upgrade.Plan) error {
	if f.Longest > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.Longest, fmt.Errorf("the fault injector's job went on after %v", f.Longest))
		defer cancel()
	}
	f.mark("start", f.Action.String())
	f.Say(fmt.Sprintf("round %d: the fault injector is asked for %s", f.round, f.Action))
	err := f.job(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	f.mark("end", ended(err))
	f.Say(fmt.Sprintf("round %d: the fault injector's job has ended: %s", f.round, ended(err)))
	return err
}

func ended(err error) string {
	if err == nil {
		return "success"
	}
	return err.Error()
}

// job asks for the action and waits for its end.
func (f *FaultInjector) job(ctx context.Context) error {
	id, err := f.submit(ctx)
	if err != nil {
		return fmt.Errorf("action %s: %w", f.Action.Type, err)
	}
	heard := time.Now()
	for tick := time.NewTicker(pollEvery); ; {
		status, err := f.status(ctx, id)
		switch {
		case err == nil && status.over():
			tick.Stop()
			return status.fault(f.Action.Type, id)
		case err == nil:
			heard = time.Now()
		case time.Since(heard) > silentFor:
			tick.Stop()
			return fmt.Errorf("action %s: nothing is heard of job %s since %v: %w", f.Action.Type, id, silentFor, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return context.Cause(ctx)
		}
	}
}

// submit returns the id of the new job. It is not repeated: a request whose
// answer was lost may have been taken.
func (f *FaultInjector) submit(ctx context.Context) (id string, err error) {
	request, err := json.Marshal(f.Action)
	if err != nil {
		return "", err
	}
	code, body, err := f.ask(ctx, http.MethodPost, "action", request)
	if err != nil {
		return "", err
	}
	var answer struct {
		ActionID any `json:"action_id"`
		ID       any `json:"id"`
	}
	if code/100 != 2 {
		return "", fmt.Errorf("refused with %d: %s", code, said(string(body)))
	}
	if err := decodeNumbers(body, &answer); err != nil {
		return "", fmt.Errorf("answered with no JSON: %s", said(string(body)))
	}
	for _, id := range []any{answer.ActionID, answer.ID} { // numbers or texts
		if id != nil && fmt.Sprint(id) != "" {
			return fmt.Sprint(id), nil
		}
	}
	return "", fmt.Errorf("answered without an action_id: %s", said(string(body)))
}

// jobStatus is how a job goes.
type jobStatus struct {
	Status string `json:"status"`
	Error  any    `json:"error"`
}

// over knows the words of several implementations for a job that has ended.
func (s jobStatus) over() bool {
	switch s.Status {
	case "", "pending", "running", "in_progress", "queued":
		return false
	}
	return true
}

func (s jobStatus) fault(kind, id string) error {
	switch s.Status {
	case "success", "finished", "completed":
		return nil
	}
	if s.Error == nil {
		return fmt.Errorf("action %s: job %s ended as %q", kind, id, said(s.Status))
	}
	return fmt.Errorf("action %s: job %s ended as %q: %s", kind, id, said(s.Status), said(fmt.Sprint(s.Error)))
}

func (f *FaultInjector) status(ctx context.Context, id string) (s jobStatus, err error) {
	code, body, err := f.ask(ctx, http.MethodGet, "action/"+url.PathEscape(id), nil)
	if err != nil {
		return s, err
	}
	if code/100 != 2 {
		return s, fmt.Errorf("answered with %d: %s", code, said(string(body)))
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("answered with no JSON: %s", said(string(body)))
	}
	return s, nil
}

// ask makes one request.
func (f *FaultInjector) ask(ctx context.Context, method, path string, body []byte) (code int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(f.URL.String(), "/")+"/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := f.client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return 0, nil, failed.Err // without the URL, which may hold a password
	}
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	return response.StatusCode, answer, err
}

// decodeNumbers keeps numbers as they are written: an id has no exponent.
func decodeNumbers(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// said is one short line of what a fault injector says.
func said(text string) string { return cmp.Or(clip(text), "(nothing)") }

func (f *FaultInjector) mark(name, detail string) {
	f.Marks(mark.Mark{At: time.Since(f.Base), Kind: mark.Step, Name: name, Source: source, Detail: detail})
}
