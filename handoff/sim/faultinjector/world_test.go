package faultinjector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/internal/memnet"
)

// A world is a cluster on a network in memory with its fault injector, inside
// a bubble of virtual time.
type world struct {
	*testing.T
	net     *memnet.Network
	cluster *sim.Cluster
	plane   *control.Plane
	in      *Injector
}

func inWorld(t *testing.T, suite string, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New()}
		var err error
		if w.cluster, err = sim.StartCluster(sim.ClusterConfig{Nodes: 3, Listen: w.net.Listen}); err != nil {
			t.Fatal(err)
		}
		defer w.cluster.Close()
		s, err := control.LoadSuite(suite)
		if err != nil {
			t.Fatal(err)
		}
		w.plane = control.New(control.Config{Cluster: w.cluster, Suite: s, ByName: true})
		defer w.plane.Close()
		w.in = New(w.plane)
		test(w)
	})
}

// ask sends a request and returns the answer.
func ask(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

// get wants a JSON object.
func (w *world) get(method, target, body string) map[string]any {
	w.Helper()
	answer := ask(w.in, method, target, body)
	var object map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &object); err != nil || answer.Code != http.StatusOK {
		w.Fatalf("%s %s: got %d %s, want an object", method, target, answer.Code, answer.Body)
	}
	return object
}

// start asks for an action and returns its id.
func (w *world) start(kind string, parameters string) string {
	w.Helper()
	id, _ := w.get("POST", "/action", fmt.Sprintf(`{"type":%q,"parameters":%s}`, kind, parameters))["action_id"].(string)
	return id
}

// await waits for the end of a job. Until then its text must not contain the
// word that clients search for.
func (w *world) await(id string) map[string]any {
	w.Helper()
	for range 1000 {
		text := ask(w.in, "GET", "/action/"+id, "").Body.String()
		job := w.get("GET", "/action/"+id, "")
		switch job["status"] {
		case "success", "failed":
			return job
		}
		if strings.Contains(text, "success") {
			w.Errorf("a job that runs says success: %s", text)
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.Fatalf("action %s has not ended after 100 s", id)
	return nil
}

// do does an action that must end well and returns its output.
func (w *world) do(kind, parameters string) map[string]any {
	w.Helper()
	return w.well(w.start(kind, parameters))
}

func (w *world) well(id string) map[string]any {
	w.Helper()
	job := w.await(id)
	output, ok := job["output"].(map[string]any)
	if job["status"] != "success" || !ok {
		w.Fatalf("action %s: %v", id, job)
	}
	return output
}

// fails does an action that must fail with a text.
func (w *world) fails(kind, parameters, want string) {
	w.Helper()
	job := w.await(w.start(kind, parameters))
	if text, _ := job["error"].(string); job["status"] != "failed" || !strings.Contains(text, want) {
		w.Errorf("%s %s: got %v, want it failed with %q", kind, parameters, job, want)
	}
}

// create creates a database and returns its id.
func (w *world) create(config string) int {
	w.Helper()
	output := w.do("create_database", `{"cluster_index":0,"database_config":`+config+`}`)
	return int(output["bdb_id"].(float64))
}

const standalone = `{"name":"e2e-test-1","port":12100,"memory_size":268435456,"replication":true,"sharding":false,"shards_count":1,` +
	`"proxy_policy":"single","module_list":[{"module_name":"search","module_args":""}]}`

// peer is a client that opted in and writes down what it is sent.
type peer struct {
	mu    sync.Mutex
	text  strings.Builder
	ended time.Time
}

func (w *world) optedIn(address string) *peer {
	w.Helper()
	conn, err := w.net.Dial(w.Context(), "tcp", address)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	p := &peer{}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			p.mu.Lock()
			p.text.Write(buffer[:n])
			if err != nil {
				p.ended = time.Now()
			}
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	fmt.Fprintf(conn, "HELLO 3\r\nCLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type external-fqdn\r\n")
	synctest.Wait()
	return p
}

// got is what the client was sent so far.
func (p *peer) got() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// told wants notices in an order.
func (w *world) told(p *peer, kinds ...string) {
	w.Helper()
	rest := p.got()
	for _, kind := range kinds {
		_, after, found := strings.Cut(rest, "\r\n"+kind+"\r\n")
		if !found {
			w.Errorf("got %q, want %v in this order", p.got(), kinds)
			return
		}
		rest = after
	}
}

func (p *peer) closed() (time.Time, bool) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended, !p.ended.IsZero()
}
