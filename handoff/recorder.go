package handoff

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The library has one metrics recorder and one logger per process. Ours are
// installed by the first Open and never taken away: a recorder that belonged
// to one client would be torn from under the others.
var install = sync.OnceFunc(func() {
	redis.SetOTelRecorder(recorder{})
	redis.SetLogger(silence{})
})

// silence keeps the library from writing to standard error. What it logs is
// known from elsewhere; a handoff that cannot dial logs a line per operation.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// recorder takes the library's measurements and hands each to the arm that
// owns the connection it was made on. What it takes nothing from is empty on
// purpose: these are called for every operation.
type recorder struct{}

// poolConn is what is used of the library's own connection, which reaches us
// behind smaller interfaces. Everything here is safe to call at any time.
type poolConn interface {
	GetID() uint64
	GetNetConn() net.Conn
	HasRelaxedTimeout() bool
	IsPubSub() bool
	IsClosed() bool
	UsedAt() time.Time // when its last use began, at most 50 ms later than that says
}

// recordOf returns the library's connection and our record of the connection
// under it; nil when it is not one of ours.
func recordOf(cn any) (poolConn, *connection) {
	p, ok := cn.(poolConn)
	if !ok {
		return nil, nil
	}
	if c, ok := p.GetNetConn().(observed); ok {
		return p, c.record()
	}
	return nil, nil
}

func (recorder) RecordOperationDuration(ctx context.Context, took time.Duration, cmd redis.Cmder, attempts int, err error, cn redis.ConnInfo, _ int) {
	if f, ok := ctx.(*flight); ok && f.carries(cmd) {
		f.add(took, attempts, cn)
		if f.tx {
			f.followed(err)
		}
		return
	}
	if err != nil || !readsSlots(cmd) {
		return // of a handshake, or of Warm
	}
	if _, c := recordOf(cn); c != nil {
		c.owner.slotsRead(c)
	}
}

func (recorder) RecordPipelineOperationDuration(ctx context.Context, took time.Duration, name string, _, attempts int, err error, cn redis.ConnInfo, _ int) {
	f, ok := ctx.(*flight)
	switch {
	case !ok:
	case f.tx && name == "MULTI":
		f.add(took, attempts, cn)
		f.followed(err)
	case f.tx: // of a handshake
	case f.piped(): // the last one told is the pipeline's own, others are of handshakes
		f.took, f.attempts, f.conn = took, attempts, cn
		f.spent(took, cn)
	case f.cluster: // a command sent together with ASKING
		f.add(took, attempts, cn)
	}
}

// RecordError is told of every failure; what is taken is the one thing that is
// told nowhere else, redirects of single commands. The cluster client tells of
// them without a connection, after the node's client told of the error reply.
func (recorder) RecordError(ctx context.Context, kind string, cn redis.ConnInfo, _ string, _ bool, _ int) {
	if f, ok := ctx.(*flight); ok && f.cluster && cn == nil {
		f.redirected(kind)
	}
}

func (recorder) RecordConnectionRelaxedTimeout(_ context.Context, delta int, cn redis.ConnInfo, _, kind string) {
	if p, c := recordOf(cn); c != nil && delta > 0 {
		c.owner.relaxedNow(p, c, kind)
	}
}

func (recorder) RecordConnectionHandoff(_ context.Context, cn redis.ConnInfo, _ string) {
	if p, c := recordOf(cn); c != nil {
		c.owner.handedOver(p, c)
	}
}

func (recorder) RecordConnectionClosed(_ context.Context, cn redis.ConnInfo, reason string, err error) {
	if p, c := recordOf(cn); c != nil {
		c.owner.given(p, c, closeReason(reason, err))
	}
}

// RecordConnectionWaitTime is told of every connection that an operation takes.
func (recorder) RecordConnectionWaitTime(ctx context.Context, took time.Duration, cn redis.ConnInfo) {
	waited(ctx, took, cn)
	waitedForTurn(ctx, took)
}

// RecordConnectionCreateTime is told of those that were dialled for it, with
// dial and handshake.
func (recorder) RecordConnectionCreateTime(ctx context.Context, took time.Duration, cn redis.ConnInfo) {
	waited(ctx, took, cn)
}

func (recorder) RecordMaintenanceNotification(context.Context, redis.ConnInfo, string)     {}
func (recorder) RecordPubSubMessage(context.Context, redis.ConnInfo, string, string, bool) {}
func (recorder) RecordStreamLag(context.Context, time.Duration, redis.ConnInfo, string, string, string) {
}
