package stage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// led is a manual stage in a bubble, and what it left and said.
type led struct {
	*Manual
	marks []mark.Mark
	said  []string
}

func newLed() *led {
	l := &led{}
	l.Manual = &Manual{Base: time.Now(), HowToStart: "press Enter", HowToEnd: "press it again",
		Marks: func(m mark.Mark) { l.marks = append(l.marks, m) },
		Say:   func(line string) { l.said = append(l.said, line) }}
	return l
}

// round plays one round and returns its error.
func (l *led) round(ctx context.Context, n int) error {
	if err := l.Begin(ctx, n); err != nil {
		return err
	}
	return l.Play(ctx, upgrade.Plan{})
}

// refused wants an error that says why.
func refused(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want an error with %q", err, why)
	}
}

// Law: a round takes from the operator's start to his end, and each counts once.
func TestManual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLed()
		refused(t, l.Start(), "not yet")
		refused(t, l.End(), "no upgrade goes on")
		for round := 1; round <= 2; round++ {
			begun := time.Now()
			done := make(chan error, 1)
			go func() { done <- l.round(t.Context(), round) }()
			synctest.Wait()
			refused(t, l.End(), "no upgrade goes on")
			time.Sleep(20 * time.Second)
			if err := l.Start(); err != nil {
				t.Error(err)
			}
			refused(t, l.Start(), "has started already")
			time.Sleep(time.Hour)
			synctest.Wait()
			if err := l.End(); err != nil {
				t.Error(err)
			}
			refused(t, l.End(), "no upgrade goes on")
			if err := <-done; err != nil || time.Since(begun) != time.Hour+20*time.Second {
				t.Errorf("round %d took %v: %v", round, time.Since(begun), err)
			}
		}
		step := func(at time.Duration, name string) mark.Mark {
			return mark.Mark{At: at, Kind: mark.Step, Name: name, Source: "stage"}
		}
		want := []mark.Mark{step(20*time.Second, "start"), step(3620*time.Second, "end"), step(3640*time.Second, "start"), step(7240*time.Second, "end")}
		if diff := cmp.Diff(want, l.marks); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(l.said[0], "press Enter") || !strings.Contains(l.said[1], "press it again") {
			t.Errorf("said %q", l.said)
		}
	})
}

// What nobody ends is over after its longest time, and can be ended no more.
func TestManualLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLed()
		l.Longest = 5 * time.Minute
		time.AfterFunc(time.Second, func() { l.Next() })
		if err := l.round(t.Context(), 1); err != nil || time.Since(l.Base) != l.Longest+time.Second {
			t.Errorf("took %v: %v", time.Since(l.Base), err)
		}
		refused(t, l.End(), "no upgrade goes on")
		if last := l.marks[1]; last.Name != "end" || !strings.Contains(last.Detail, "5m0s") {
			t.Errorf("marked %+v", last)
		}
	})
}

// An interrupt ends the waiting, for the start as for the end.
func TestManualInterrupted(t *testing.T) {
	for _, started := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLed()
			interrupt := errors.New("interrupted")
			ctx, cancel := context.WithCancelCause(t.Context())
			if started {
				time.AfterFunc(time.Second, func() { l.Next() })
			}
			time.AfterFunc(time.Minute, func() { cancel(interrupt) })
			if err := l.round(ctx, 1); !errors.Is(err, interrupt) {
				t.Errorf("started %v: %v", started, err)
			}
			refused(t, l.Next(), "not yet")
		})
	}
}

// Marks are one line of bounded length, and bounded in number for each round.
func TestNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLed()
		if err := l.Note(" two\nlines \xff " + strings.Repeat("ü", 400)); err != nil {
			t.Error(err)
		}
		if got := l.marks[0].Detail; !strings.HasPrefix(got, "two lines ? üü") || len(got) > longestLine+len("…") || !strings.HasSuffix(got, "ü…") {
			t.Errorf("marked %q", got)
		}
		for range mostMarks - 1 {
			l.Note("x")
		}
		refused(t, l.Note("x"), "no more are kept")
		if len(l.marks) != mostMarks {
			t.Errorf("%d marks", len(l.marks))
		}
	})
}

// The HTTP interface answers a line of text, and refuses what comes out of turn
// and what other sites' pages send.
func TestControl(t *testing.T) {
	l := newLed()
	control := Control(l.Manual)
	ask := func(method, path, origin string) (int, string) {
		r := httptest.NewRequest(method, path, nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		control.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		return w.Code, string(text)
	}
	want := func(method, path string, code int, text string) {
		t.Helper()
		if got, answer := ask(method, path, ""); got != code || !strings.Contains(answer, text) {
			t.Errorf("%s %s: %d %q, want %d with %q", method, path, got, answer, code, text)
		}
	}
	want("POST", "/start", 409, "not yet")
	want("GET", "/", 200, "nothing is waited for")
	begun := make(chan error)
	asked := make(chan struct{})
	l.Say = func(string) { close(asked) }
	go func() { begun <- l.Begin(context.Background(), 1) }()
	<-asked
	want("POST", "/end", 409, "no upgrade goes on")
	want("GET", "/", 200, "round 1: waiting for the start")
	want("GET", "/start", 405, "")
	if code, _ := ask("POST", "/start", "http://elsewhere.example"); code != http.StatusForbidden {
		t.Errorf("another site's page was answered %d", code)
	}
	want("POST", "/start", 200, "started")
	if err := <-begun; err != nil {
		t.Error(err)
	}
	want("POST", "/start", 409, "has started already")
	want("GET", "/", 200, "round 1: waiting for the end")
	want("POST", "/mark", 400, "text=")
	want("POST", "/mark?text=node+2", 200, "marked")
	want("POST", "/end", 200, "ended")
	want("GET", "/nope", 404, "")
	names := []string{}
	for _, m := range l.marks {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, []string{"start", "mark", "end"}) {
		t.Errorf("marks %q", names)
	}
}
