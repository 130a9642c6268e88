package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// At a terminal Enter is the start, then the end, and words are a mark; what
// comes out of turn is answered.
func TestTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var marks, said []string
		m := &stage.Manual{Base: time.Now(),
			Marks: func(m mark.Mark) { marks = append(marks, m.Name+m.Detail) },
			Say:   func(line string) { said = append(said, line) },
		}
		typed := 0
		o := &operator{manual: m, typed: func() { typed++ }, deaf: func() {}, gone: make(chan struct{})}
		lines := make(chan string)
		go o.read(lines)
		lines <- ""
		synctest.Wait()
		if len(said) != 1 || said[0] != "not done: not yet: the upgrade can start once the baseline is recorded; wait for the prompt" {
			t.Errorf("said %q", said)
		}
		played := make(chan error)
		go func() {
			if err := m.Begin(t.Context(), 1); err != nil {
				t.Error(err)
			}
			played <- m.Play(t.Context(), upgrade.Plan{})
		}()
		synctest.Wait()
		for _, line := range []string{"", " node 2 ", "\r"} {
			lines <- line
			synctest.Wait()
		}
		if err := <-played; err != nil || typed != 4 || !slices.Equal(marks, []string{"start", "marknode 2", "end"}) {
			t.Errorf("%d lines, marks %q: %v", typed, marks, err)
		}
		if err := o.close(); err != nil {
			t.Error(err)
		}
	})
}
