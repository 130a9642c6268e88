//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package matrix

import (
	"strings"
	"testing"
)

func TestOnePlayerAtATime(t *testing.T) {
	m, err := Begin(t.TempDir(), plan(t, Pace{Rounds: 1}, "none"), started)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := m.lock()
	if err != nil {
		t.Fatal(err)
	}
	p := Player{}
	if err := p.Play(t.Context(), m); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second player: %v", err)
	}
	unlock()
	if unlock, err = m.lock(); err != nil {
		t.Fatalf("after the first let go: %v", err)
	}
	unlock()
}
