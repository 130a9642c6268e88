package faultinjector

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// Injector is the interface as an http.Handler, safe for concurrent use.
type Injector struct {
	plane *control.Plane
	mux   *http.ServeMux

	mu     sync.Mutex
	setups map[string]int // databases by the setup that made them
	last   int            // setup
}

// New returns the interface of a control plane.
func New(plane *control.Plane) *Injector {
	in := &Injector{plane: plane, mux: http.NewServeMux(), setups: map[string]int{}}
	in.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"status": "healthy", "simulated": true}) // so that no report takes it for real
	})
	in.mux.HandleFunc("POST /action", in.submit)
	in.mux.HandleFunc("GET /action", in.list)
	in.mux.HandleFunc("GET /actions", in.list)
	in.mux.HandleFunc("GET /action/{id}", in.status)
	in.mux.HandleFunc("POST /rladmin", in.rladmin)
	for name := range scenarios {
		in.mux.HandleFunc("GET /"+name, in.discover(name))
		in.mux.HandleFunc("POST /"+name, in.run(name))
		in.mux.HandleFunc("POST /"+name+"/setup", in.setup(name))
		in.mux.HandleFunc("POST /"+name+"/teardown", in.teardown(name))
	}
	return in
}

const (
	most        = 1 << 20 // bytes of a request
	longestType = 64      // bytes of an action's type: jobs are remembered
)

// ServeHTTP implements http.Handler.
func (in *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	in.mux.ServeHTTP(w, r)
}

// submit takes an action.
func (in *Injector) submit(w http.ResponseWriter, r *http.Request) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	var request struct {
		Type       string `json:"type"`
		Parameters params `json:"parameters"`
	}
	if err := decode(body, &request); err != nil {
		invalid(w, "body", "want a JSON object {\"type\": ..., \"parameters\": {...}}: "+err.Error())
		return
	}
	if request.Type == "" || len(request.Type) > longestType {
		invalid(w, "type", fmt.Sprintf("Field required: the type of the action, 1 to %d bytes", longestType))
		return
	}
	in.enqueue(w, request.Type, request.Parameters)
}

// enqueue makes a job of an action and says its id.
func (in *Injector) enqueue(w http.ResponseWriter, kind string, p params) {
	in.enqueueWork(w, kind, p.object(), in.work(kind, p))
}

func (in *Injector) enqueueWork(w http.ResponseWriter, kind, object string, work jobs.Work) {
	job, err := in.plane.Jobs().Submit(kind, object, work)
	switch {
	case errors.Is(err, jobs.ErrFull):
		http.Error(w, err.Error(), http.StatusTooManyRequests)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		write(w, http.StatusOK, map[string]any{"action_id": job.ID, "status": job.Status})
	}
}

func (in *Injector) list(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, j := range in.plane.Jobs().Jobs() {
		list = append(list, map[string]any{"job_id": j.ID, "action_type": j.Kind, "status": j.Status, "submitted_at": stamp(j.Submitted)})
	}
	write(w, http.StatusOK, map[string]any{"actions": list})
}

// status describes a job. Clients search the text for the word of its end, so
// nothing in it may say that word before.
func (in *Injector) status(w http.ResponseWriter, r *http.Request) {
	j, ok := in.plane.Jobs().Job(r.PathValue("id"))
	if !ok {
		write(w, http.StatusNotFound, map[string]any{"detail": fmt.Sprintf("action %.80q: no such action: GET /action lists those there are", r.PathValue("id"))})
		return
	}
	var fault any
	if j.Err != "" {
		fault = j.Err
	}
	write(w, http.StatusOK, map[string]any{
		"action_id": j.ID, "status": j.Status, "error": fault, "output": j.Output, "progress": j.Progress,
		"start_time": stamp(j.Started), "end_time": stamp(j.Ended),
	})
}

// stamp is an instant as JSON; null for none.
func stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		http.Error(w, fmt.Sprintf("the body has more than %d bytes: want fewer", most), http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if err != nil {
		http.Error(w, "the body ended early: "+err.Error(), http.StatusBadRequest)
		return nil, false
	}
	return body, true
}

func write(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // nothing that is written here has values without a JSON form
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(text, '\n'))
}

// invalid refuses a request whose form is wrong, in the words of a validating
// server.
func invalid(w http.ResponseWriter, where, why string) {
	write(w, http.StatusUnprocessableEntity, map[string]any{"detail": []map[string]any{
		{"loc": []string{where}, "msg": why, "type": "value_error"},
	}})
}
