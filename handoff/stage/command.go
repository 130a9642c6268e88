package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// grace is how long a command has to end itself when it is told to.
const grace = 5 * time.Second

// Command is the stage on which a command of the user's is the upgrade: it
// begins when the command does, and is over when the command has ended. What it
// prints becomes marks. It has a process group of its own, of which nothing is
// left when Play returns.
type Command struct {
	Base  time.Time // what marks count from
	Marks mark.Sink

	Line    string        // for sh -c; kept nowhere, since it may hold secrets
	Env     []string      // NAME=value, besides the environment of the process, SCHLOAD_ROUND and SCHLOAD_ARM
	Longest time.Duration // a command that takes longer is ended, and an error; 0: it is waited for
	Grace   time.Duration // from TERM to KILL; default 5 s

	Say func(line string) // tells the user how it goes

	round int
	turn  string // the arm that alone meets the upgrade; "": all do
}

// Turn implements Turning: the command is told SCHLOAD_ARM.
func (c *Command) Turn(arm string) { c.turn = arm }

// Begin implements Real: the command is started right away.
func (c *Command) Begin(ctx context.Context, round int) error {
	c.round = round
	return context.Cause(ctx)
}

// Play implements Stage. A command that fails is an error that names its exit
// code and what it printed last.
func (c *Command) Play(ctx context.Context, _ upgrade.Plan) error {
	if c.Longest > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Longest, fmt.Errorf("the command went on after %v and was ended", c.Longest))
		defer cancel()
	}
	c.mark("start", "")
	c.Say(during(c.round, c.turn) + ": the upgrade command has been started")
	p := printed{c: c}
	err := c.run(ctx, &p)
	p.close()
	c.mark("end", how(err))
	c.Say(fmt.Sprintf("%s: the upgrade command has ended: %s", during(c.round, c.turn), how(err)))
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil && p.last != "" {
		return fmt.Errorf("the command failed: %s; it last said: %s", how(err), p.last)
	}
	if err != nil {
		return fmt.Errorf("the command failed: %s", how(err))
	}
	return nil
}

// run runs the command to its end, or ends it with the context.
func (c *Command) run(ctx context.Context, p *printed) error {
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	wait := cmp.Or(c.Grace, grace)
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Line)
	cmd.Env = append(append(os.Environ(), c.Env...), "SCHLOAD_ROUND="+strconv.Itoa(c.round))
	if c.turn != "" {
		cmd.Env = append(cmd.Env, "SCHLOAD_ARM="+c.turn)
	}
	cmd.Stdout, cmd.Stderr = in, in
	group := ownGroup(cmd)
	cmd.Cancel, cmd.WaitDelay = group.term, wait
	err = cmd.Start()
	in.Close() // the command has its own
	if err != nil {
		return err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		eachLine(out, p.line)
	}()
	err = cmd.Wait()
	group.end(wait)
	out.SetReadDeadline(time.Now().Add(time.Second)) // whoever left the group may hold the other end
	<-read
	return err
}

// how says how a command ended.
func how(err error) string {
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return "exit code 0"
	case exited && exit.Exited():
		return fmt.Sprintf("exit code %d", exit.ExitCode())
	}
	return err.Error() // such as signal: terminated
}

func (c *Command) mark(name, detail string) {
	c.Marks(mark.Mark{At: time.Since(c.Base), Kind: mark.Step, Name: name, Source: source, Detail: detail})
}

// printed keeps what a command prints, within bounds.
type printed struct {
	c    *Command
	n    int
	last string
}

func (p *printed) line(text string) {
	p.last = text
	if p.n++; p.n <= mostMarks {
		p.c.mark("output", text)
	}
}

func (p *printed) close() {
	if more := p.n - mostMarks; more > 0 {
		p.c.mark("output", fmt.Sprintf("%d more lines are not kept", more))
	}
}
