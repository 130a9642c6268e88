package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"schload/handoff/stage"
	"schload/profiles"
	"schload/telemetry/mark"
)

// scene is what a stage for real upgrades needs to know of the run.
type scene struct {
	base  time.Time
	marks mark.Sink
	view  *liveView
	dir   string // of the bundle
}

// leaveToOthers gives the lab the stage of a profile whose upgrades really take
// place. With any other profile it does nothing.
func (f *runFlags) leaveToOthers(ctx context.Context, l *lab, p profiles.Profile, s scene) error {
	switch p.Stage {
	case stage.NameCommand:
		dir, err := filepath.Abs(s.dir)
		if err != nil {
			return err
		}
		l.stage = &stage.Command{
			Base: s.base, Marks: s.marks, Say: s.view.say, Line: p.UpgradeCommand, Longest: time.Duration(p.MaxMaintenance),
			Env: []string{"SCHLOAD_TARGET=" + l.target.Addr(), "SCHLOAD_RUN_DIR=" + dir},
		}
	case stage.NameFaultInjector:
		injector, err := askingOthers(ctx, p, s)
		if err != nil {
			return usageError(err)
		}
		l.stage = injector
	case stage.NameManual:
		o := &operator{typed: s.view.typed, manual: &stage.Manual{Base: s.base, Marks: s.marks, Say: s.view.say, Longest: time.Duration(p.MaxMaintenance)}}
		if err := o.listen(ctx, f); err != nil {
			return usageError(err)
		}
		l.stage, l.close = o.manual, o.close
	}
	return nil
}

// operator is whoever leads a manual stage, and the ways in which it can be
// done: a terminal, signals, HTTP.
type operator struct {
	manual *stage.Manual
	typed  func()       // called with every line that was typed
	server *http.Server // nil: none
	deaf   func()       // to signals
	gone   chan struct{}
}

// listen opens the ways there are, and has the prompts name them.
func (o *operator) listen(ctx context.Context, f *runFlags) error {
	o.gone = make(chan struct{})
	var start, end []string
	if f.control != "" {
		server, url, err := serveHTTP(ctx, f.control, stage.Control(o.manual))
		if err != nil {
			return fmt.Errorf("--control: %w", err)
		}
		o.server = server
		o.manual.Say("control: " + url + " takes POST /start, /end and /mark?text=...")
		start, end = append(start, "POST "+url+"/start"), append(end, "POST "+url+"/end")
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		if f.typed == nil {
			f.typed = typedLines()
		}
		go o.read(f.typed)
		start, end = append([]string{"press Enter"}, start...), append([]string{"press Enter (words before it are a mark)"}, end...)
	}
	byStart, byEnd, deaf := o.heed()
	o.deaf = deaf
	o.manual.HowToStart = strings.Join(append(start, byStart...), ", or ")
	o.manual.HowToEnd = strings.Join(append(end, byEnd...), ", or ")
	if o.manual.HowToStart == "" {
		o.close()
		return errors.New("stage manual without a terminal: give --control 127.0.0.1:PORT to start and end the upgrade")
	}
	return nil
}

// tell does what the operator wants, and says why when that is refused.
func (o *operator) tell(do func() error) {
	if err := do(); err != nil {
		o.manual.Say("not done: " + err.Error())
	}
}

func (o *operator) close() error {
	close(o.gone)
	o.deaf()
	if o.server != nil {
		return o.server.Close()
	}
	return nil
}

// read takes what is typed: Enter is the start or the end, words are a mark.
func (o *operator) read(lines <-chan string) {
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			o.typed()
			if line = strings.TrimSpace(line); line != "" {
				o.tell(func() error { return o.manual.Note(line) })
				continue
			}
			o.tell(o.manual.Next)
		case <-o.gone:
			return
		}
	}
}

// typedLines reads the terminal as long as the process lives: a read cannot be
// taken back, and the next run wants what is typed then.
func typedLines() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}
