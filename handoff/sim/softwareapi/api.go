package softwareapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// Config describes the interface.
type Config struct {
	// Username and Password, if set, are what requests must authenticate with
	// by HTTP Basic.
	Username, Password string
}

// API is the interface as an http.Handler, safe for concurrent use.
type API struct {
	plane  *control.Plane
	config Config
	mux    *http.ServeMux
}

// New returns the interface of a control plane.
func New(plane *control.Plane, config Config) *API {
	a := &API{plane: plane, config: config, mux: http.NewServeMux()}
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /v1/cluster":             a.cluster,
		"PUT /v1/cluster":             a.configure,
		"GET /v1/nodes":               a.nodes,
		"GET /v1/nodes/{uid}":         a.node, // and nodes/status
		"GET /v1/bdbs":                a.databases,
		"GET /v1/bdbs/{uid}":          a.database,
		"GET /v1/shards":              a.shards,
		"GET /v1/bdbs/{uid}/shards":   a.shardsOf,
		"GET /v1/actions":             a.actions,
		"GET /v1/actions/{uid}":       a.action,
		"GET /v1/actions/bdb/{uid}":   a.actionsOf,
		"GET /v2/actions":             a.actions2,
		"GET /v2/actions/{uid}":       a.action2,
		"GET /v1/nodes/{uid}/actions": a.nodeActions,

		"POST /v1/shards/{uid}/actions/failover":       a.failover,
		"POST /v1/shards/actions/failover":             a.failover,
		"POST /v1/shards/{uid}/actions/migrate":        a.migrate,
		"POST /v1/shards/actions/migrate":              a.migrate,
		"POST /v1/nodes/{uid}/actions/maintenance_on":  a.maintenance(true),
		"POST /v1/nodes/{uid}/actions/maintenance_off": a.maintenance(false),
		"POST /v1/bdbs/{uid}/upgrade":                  a.upgrade,
	} {
		a.mux.HandleFunc(pattern, handle)
	}
	return a
}

// most is how many bytes a request may have.
const most = 1 << 20

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.admits(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Redis Software"`)
		refuse(w, http.StatusUnauthorized, "unauthorized", "want the user and the password of the cluster by HTTP Basic")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	a.mux.ServeHTTP(w, r)
}

// admits compares in constant time.
func (a *API) admits(r *http.Request) bool {
	if a.config.Username == "" && a.config.Password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	return same(user, a.config.Username)&same(password, a.config.Password) == 1
}

func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// enqueue makes a job of a request.
func (a *API) enqueue(w http.ResponseWriter, kind, object string, work jobs.Work) (jobs.Job, bool) {
	j, err := a.plane.Jobs().Submit(kind, object, work)
	switch {
	case errors.Is(err, jobs.ErrFull):
		refuse(w, http.StatusTooManyRequests, "db_busy", err.Error())
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "service_unavailable", err.Error())
	}
	return j, err == nil
}

// body reads a JSON object into a value; an empty body is an empty object.
func body(w http.ResponseWriter, r *http.Request, into any) bool {
	text, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		refuse(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body has more than %d bytes: want fewer", most))
		return false
	}
	if err == nil && len(strings.TrimSpace(string(text))) > 0 {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", "want a JSON object: "+err.Error())
		return false
	}
	return true
}

// uid reads the number in a path.
func uid(w http.ResponseWriter, r *http.Request) (int, bool) {
	n, err := strconv.Atoi(r.PathValue("uid"))
	if err != nil || n < 1 {
		refuse(w, http.StatusNotFound, "not_found", fmt.Sprintf("uid %.80q: want a number of 1 or more", r.PathValue("uid")))
		return 0, false
	}
	return n, true
}

func write(w http.ResponseWriter, value any) { writeCode(w, http.StatusOK, value) }

func writeCode(w http.ResponseWriter, code int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // nothing that is written here has values without a JSON form
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(text, '\n'))
}

// refuse says why, as the real interface does.
func refuse(w http.ResponseWriter, code int, name, why string) {
	writeCode(w, code, map[string]any{"error_code": name, "description": why})
}
