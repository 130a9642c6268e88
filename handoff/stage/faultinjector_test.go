package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// roundTrip answers a client's requests without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// asking is a stage whose fault injector is a handler.
func asking(t *testing.T, handler http.HandlerFunc) (f *FaultInjector, lines *[]string) {
	t.Helper()
	u, err := ParseFaultInjector("http://u:geheim@injector:20324/")
	if err != nil {
		t.Fatal(err)
	}
	lines = new([]string)
	f = &FaultInjector{Base: time.Now(), URL: u, Action: Action{"failover", map[string]any{"bdb_id": 1}}, Say: func(string) {}}
	f.Marks = func(m mark.Mark) {
		if m.Kind != mark.Step || m.Source != "stage" {
			t.Errorf("mark %+v", m)
		}
		*lines = append(*lines, fmt.Sprintf("%v %s %s", m.At, m.Name, m.Detail))
	}
	f.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		handler(answer, r)
		return answer.Result(), nil
	})
	return f, lines
}

func (f *FaultInjector) once(ctx context.Context) error {
	if err := f.Begin(ctx, 1); err != nil {
		return err
	}
	return f.Play(ctx, upgrade.Plan{})
}

// Law: a job is asked for once, and the upgrade lasts as long as it.
func TestFaultInjector(t *testing.T) {
	for _, words := range [][3]string{{"pending", "running", "success"}, {"in_progress", "in_progress", "finished"}, {"", "running", "completed"}} {
		synctest.Test(t, func(t *testing.T) {
			asked, began := 0, time.Now()
			f, lines := asking(t, func(w http.ResponseWriter, r *http.Request) {
				switch age := time.Since(began); {
				case r.Method == "POST" && r.URL.Path == "/action":
					asked++
					fmt.Fprint(w, `{"action_id":12345678901234567890}`)
				case r.URL.Path != "/action/12345678901234567890":
					http.NotFound(w, r)
				case age < time.Second:
					fmt.Fprintf(w, `{"status":%q}`, words[0])
				case age < 20*time.Second:
					fmt.Fprintf(w, `{"status":%q}`, words[1])
				default:
					fmt.Fprintf(w, `{"status":%q,"output":{"x":1}}`, words[2])
				}
			})
			if err := f.once(t.Context()); err != nil || asked != 1 {
				t.Errorf("got %v after %d requests", err, asked)
			}
			wantLines(t, *lines, "0s start failover bdb_id=1", "20s end success")
		})
	}
}

// Who does not answer for a while is waited for, who never answers is not.
func TestFaultInjectorSilent(t *testing.T) {
	for lasts, why := range map[time.Duration]string{20 * time.Second: "", 40 * time.Second: "nothing is heard of job 7 since 30s: answered with 502: gone"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			f, _ := asking(t, func(w http.ResponseWriter, r *http.Request) {
				age := time.Since(began)
				switch {
				case r.Method == "POST":
					fmt.Fprint(w, `{"id":"7"}`)
				case age > time.Second && age < time.Second+lasts:
					http.Error(w, "gone", http.StatusBadGateway)
				case age < time.Minute:
					fmt.Fprint(w, `{"status":"running"}`)
				default:
					fmt.Fprint(w, `{"status":"success"}`)
				}
			})
			if err := f.once(t.Context()); why == "" && err != nil {
				t.Error(err)
			} else if why != "" {
				refused(t, err, why)
			}
		})
	}
}

func TestFaultInjectorFails(t *testing.T) {
	answer := func(submit, status string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				fmt.Fprint(w, submit)
				return
			}
			fmt.Fprint(w, status)
		}
	}
	for _, tt := range []struct {
		handler http.HandlerFunc
		why     string
	}{
		{answer(`{"action_id":"a/b"}`, `{"status":"failed","error":"Traceback:\n  no replica"}`), `action failover: job a/b ended as "failed": Traceback:   no replica`},
		{answer(`{"action_id":1}`, `{"status":"cancelled","error":null}`), `job 1 ended as "cancelled"`},
		{answer(`{}`, ""), "answered without an action_id: {}"},
		{answer(`nonsense`, ""), "answered with no JSON: nonsense"},
		{func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the queue is full", http.StatusTooManyRequests)
		}, "action failover: refused with 429: the queue is full"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, lines := asking(t, tt.handler)
			err := f.once(t.Context())
			refused(t, err, tt.why)
			if err == nil || strings.Contains(err.Error(), "geheim") || len(*lines) != 2 || !strings.Contains((*lines)[1], tt.why) {
				t.Errorf("error %v, marks %q", err, *lines)
			}
		})
	}
}

// A job that takes too long, and an interrupt, end the wait with their cause.
func TestFaultInjectorEnds(t *testing.T) {
	running := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"action_id":1,"status":"running"}`) }
	synctest.Test(t, func(t *testing.T) {
		f, _ := asking(t, running)
		f.Longest = time.Minute
		refused(t, f.once(t.Context()), "the fault injector's job went on after 1m0s")
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		if err := f.once(ctx); !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
	})
}

func TestGreet(t *testing.T) {
	for _, tt := range []struct {
		code      int
		text      string
		simulated bool
	}{{200, `{"status":"healthy","simulated":true}`, true}, {200, `{"status":"healthy"}`, false}, {200, "ok", false}, {404, `{"simulated":true}`, false}} {
		f, _ := asking(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/health" {
				t.Errorf("asked for %s", r.URL.Path)
			}
			w.WriteHeader(tt.code)
			fmt.Fprint(w, tt.text)
		})
		if err := f.Greet(t.Context()); err != nil || f.Simulated != tt.simulated {
			t.Errorf("%d %s: simulated %v, %v", tt.code, tt.text, f.Simulated, err)
		}
	}
	f, _ := asking(t, nil)
	f.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
	err := f.Greet(t.Context())
	refused(t, err, "fault injector http://u:xxxxx@injector:20324/: refused: is it running")
	if strings.Contains(err.Error(), "geheim") {
		t.Error(err)
	}
}

func TestParseFaultInjector(t *testing.T) {
	for _, bad := range []string{"", "injector:20324", "redis://injector", "http://", "http://u:geheim@%zz"} {
		if _, err := ParseFaultInjector(bad); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAction(t *testing.T) {
	a, err := ParseAction(` maintenance_mode  node_id=2 enabled=true list=[1,"a"] text=db:1 `)
	if err != nil || a.String() != `maintenance_mode enabled=true list=[1,"a"] node_id=2 text="db:1"` {
		t.Errorf("got %s, %v", a, err)
	}
	for text, why := range map[string]string{"  ": "action is empty", "a/b": `action type "a/b"`, "bind x": `parameter "x"`, "bind =1": `parameter "=1"`, "bind a=1 a=2": "parameter a is there twice"} {
		_, err := ParseAction(text)
		refused(t, err, why)
	}
	for _, tt := range []struct {
		upgrade   string
		simulated bool
		want      string
	}{{"endpoint-rebind", true, "bind bdb_id=3"}, {"failover", false, "failover bdb_id=3"}, {"in-place", true, `play_upgrade bdb_id=3 upgrade="in-place"`}} {
		if a, err := Plays(tt.upgrade, 3, tt.simulated); err != nil || a.String() != tt.want {
			t.Errorf("%s: got %s, %v", tt.upgrade, a, err)
		}
	}
	_, err = Plays("in-place", 1, false)
	refused(t, err, "upgrade in-place: fault injectors have no action for it: want one of endpoint-rebind, failover")
	for name := range actions {
		if _, err := upgrade.Load(name); err != nil {
			t.Error(err)
		}
	}
}
