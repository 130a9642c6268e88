package handoff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"schload/handoff/raw"
	"schload/telemetry/mark"
	"schload/workload"
)

// NoneRaw is what an arm of mode raw is found to be: it has no client that
// could opt in, and did not.
const NoneRaw = "none (raw)"

// openBare makes the connections of an arm without a client library. They are
// dialled, observed and proved as those of the library are, so that the arms
// differ in the library alone.
func openBare(c *Client, d *dialler) *raw.Client {
	a := c.config.Arm
	username, password := c.config.Target.Credentials()
	return raw.New(raw.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, a.DialTimeout) // a longer one would be taken for a handoff's
			defer cancel()
			return d.connect(ctx, "tcp", c.config.Target.Addr())
		},
		Classify: func(err error) (workload.Class, workload.Effect) { return Classify(err, false) },
		Protocol: a.Protocol, Username: username, Password: password, DB: c.config.Target.DB(),
		ReadTimeout: a.ReadTimeout, WriteTimeout: a.WriteTimeout,
		Drop: dropped, Wrong: c.markBare,
	})
}

// dropped closes a connection that an error made useless.
func dropped(conn net.Conn, err error) {
	if o, ok := conn.(observed); ok {
		o.record().because(closeReason("", err))
	}
	_ = conn.Close()
}

// markBare is markWrong for an arm without a library.
func (c *Client) markBare(conn net.Conn, op *workload.Operation, got string) {
	c.o.wrong.Add(1)
	m := mark.Mark{At: c.o.now(), Kind: mark.WrongReply, Name: workload.WrongReply.String(),
		Detail: fmt.Sprintf("%s %.80q: got %s, want %s", op.Command, op.Key, got, kindOf(op).want(op))}
	if o, ok := conn.(observed); ok {
		m.Conn, m.Node = o.record().number, o.record().node
	}
	c.o.marks.put(m)
}

// Executes reports whether an arm knows a command of workload.Commands: bare
// connections know no lists, scripts and transactions.
func (a Arm) Executes(command string) bool {
	return a.Mode != Raw || slices.Contains(raw.Commands(), command)
}

// Fork implements workload.Forker: bare connections belong to one worker each,
// a client of the library to all of them.
func (c *Client) Fork() workload.Target {
	if c.bare == nil {
		return c
	}
	return c.bare.Fork()
}

func (c *Client) closer() io.Closer {
	if c.bare != nil {
		return c.bare
	}
	return c.redis
}

// resolveRaw writes the defaults out that an arm without a library has.
func (a Arm) resolveRaw() Arm {
	a.Protocol = cmp.Or(a.Protocol, 3)
	a.DialTimeout = cmp.Or(a.DialTimeout, 5*time.Second)
	a.ReadTimeout = cmp.Or(a.ReadTimeout, 5*time.Second)
	a.WriteTimeout = cmp.Or(a.WriteTimeout, 5*time.Second)
	return a
}

// validateRaw is Validate for an arm without a library. An option that would do
// nothing is refused.
func (a Arm) validateRaw() error {
	r := a.Resolve(0)
	takes := Arm{Name: r.Name, Mode: Raw, Protocol: r.Protocol, DialTimeout: r.DialTimeout, ReadTimeout: r.ReadTimeout, WriteTimeout: r.WriteTimeout}
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("arm %q: "+format, append([]any{r.Name}, args...)...))
		}
	}
	check(validName(r.Name), "name: want 1 to 100 letters, digits or one of -_.+=, got %q", r.Name)
	check(r == takes, "bare connections have no retries, no pool and no handoffs: the options are name, protocol, dial_timeout, read_timeout and write_timeout")
	check(r.Protocol == 2 || r.Protocol == 3, "protocol %d: want 2 or 3", r.Protocol)
	check(min(r.DialTimeout, r.ReadTimeout, r.WriteTimeout) >= time.Millisecond, "dial_timeout %v, read_timeout %v, write_timeout %v: want at least 1ms each",
		r.DialTimeout, r.ReadTimeout, r.WriteTimeout)
	return errors.Join(wrong...)
}

// judgeRaw proves that an arm without a library stayed without handoffs.
func judgeRaw(p *Proof, invalid say) {
	p.Effective = NoneRaw
	if p.Sent > 0 {
		invalid("%d bare connections sent CLIENT MAINT_NOTIFICATIONS", p.Sent)
	}
}
