package handoff

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/telemetry/mark"
)

// redirectHook sees the replies of the part of a pipeline that goes to one
// node. A command by itself needs no hook: the library reports its redirects
// (RecordError). The two other methods change nothing and cost nothing.
type redirectHook struct{ o *observer }

func (redirectHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (redirectHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (h redirectHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		f, ours := ctx.(*flight)
		if !ours || !f.piped() {
			return next(ctx, cmds) // ASKING and one command sent together, or a transaction: reported as of one command
		}
		part := &part{Context: ctx}
		begun := time.Now()
		err := next(part, cmds)
		if h.o.outlasted(part.conn, time.Since(begun)-part.waited) {
			f.saved.Add(succeeded(cmds))
		}
		f.noteRedirects(cmds)
		return err
	}
}

// part is the context of the part of a pipeline that goes to one node. It
// brings back what the library does not tell of a pipeline over a cluster.
type part struct {
	context.Context
	conn   redis.ConnInfo
	waited time.Duration // for it
}

// waited adds to the time that an operation waited for its connection.
func waited(ctx context.Context, took time.Duration, conn redis.ConnInfo) {
	switch of := ctx.(type) {
	case *flight:
		if !of.blind() {
			of.waited += took
		}
	case *part:
		of.waited += took
		of.conn = conn
	}
}

// succeeded counts the commands that were answered without an error.
func succeeded(cmds []redis.Cmder) (n int64) {
	for _, cmd := range cmds {
		if err := cmd.Err(); err == nil || err == redis.Nil {
			n++
		}
	}
	return n
}

// noteRedirects counts the redirects among replies. It is a function of its own
// because the library starts a goroutine for each node and pipeline, whose
// small stack every frame of ours may cause to be copied.
func (f *flight) noteRedirects(cmds []redis.Cmder) {
	for _, cmd := range cmds {
		err := cmd.Err()
		if err == nil {
			continue
		}
		if _, moved := redis.IsMovedError(err); moved {
			f.redirected(redirectMoved)
		} else if _, ask := redis.IsAskError(err); ask {
			f.redirected(redirectAsk)
		}
	}
}

// The replies that send a command elsewhere, as the library's recorder spells
// them.
const (
	redirectMoved = "MOVED"
	redirectAsk   = "ASK"
)

// redirected counts one such reply. The nodes of one pipeline count at the
// same time.
func (f *flight) redirected(reply string) {
	switch reply {
	case redirectMoved:
		f.o.moved.Add(1)
	case redirectAsk:
		f.o.asked.Add(1)
	default:
		return
	}
	f.redirects.Add(1)
}

// readsSlots reports whether a command asks for the slot map.
func readsSlots(cmd redis.Cmder) bool {
	args := cmd.Args()
	return len(args) == 2 && args[0] == "cluster" && args[1] == "slots"
}

// slotsRead records that the client has read the slot map.
func (o *observer) slotsRead(c *connection) {
	o.slotMaps.Add(1)
	o.marks.put(mark.Mark{At: o.now(), Kind: mark.SlotMap, Conn: c.number, Node: c.node})
}
