package telemetry

import (
	"context"
	"sync"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc/stats"
)

// turn lets one export at a time compute: copy, encode, compress. The arms
// export at the same instant; together they would take every processor of a
// small machine, and operations that fall due meanwhile would start late. Whoever
// has it takes a breath between its parts, and nobody holds it while a receiver
// or a file is waited for. A nil turn is everybody's.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// hold calls do once it is its turn, which ends with do, or when what do sends
// is under way. It fails if ctx ends before.
func (t turn) hold(ctx context.Context, do func(context.Context) error) error {
	if t == nil {
		return do(ctx)
	}
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	end := sync.OnceFunc(func() { <-t })
	defer end()
	breathe()
	return do(context.WithValue(ctx, endOfTurn{}, end))
}

// endOfTurn is the context key of the function that ends the turn.
type endOfTurn struct{}

// underWay ends the turn in which a request was made: all that is left is to
// wait for others.
func underWay(ctx context.Context) {
	if end, ok := ctx.Value(endOfTurn{}).(func()); ok {
		end()
	}
}

// wireWatch is told by gRPC, which encodes on its own, when a message is under
// way. It implements stats.Handler.
type wireWatch struct{}

func (wireWatch) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, encoded := s.(*stats.OutPayload); encoded {
		underWay(ctx)
	}
}

func (wireWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (wireWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (wireWatch) HandleConn(context.Context, stats.ConnStats)                       {}

// inTurn is a producer that copies in its turn.
type inTurn struct {
	sdkmetric.Producer
	turn turn
}

// Produce implements sdkmetric.Producer.
func (p inTurn) Produce(ctx context.Context) (metrics []metricdata.ScopeMetrics, err error) {
	err = p.turn.hold(ctx, func(ctx context.Context) (err error) {
		metrics, err = p.Producer.Produce(ctx)
		return err
	})
	return metrics, err
}
