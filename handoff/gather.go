package handoff

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// gathered is a database whose commands travel in pipelines that the library
// makes of what all workers send at the same time (go-redis' AutoPipeline, the
// face that blocks; experimental there). An endpoint is then loaded over one
// connection, a cluster over one to each node at a time.
//
// Of a single command the library tells nothing then: neither how often it
// tried nor on which connection. Such operations count as one try.
type gathered struct {
	database
	pipelines *redis.AutoPipeliner
}

// gather makes the database's commands travel together.
func gather(d database, o *observer) (database, error) {
	var pipelines *redis.AutoPipeliner
	var err error
	switch client := d.(type) {
	case endpoint:
		client.AddHook(pipelineHook{o})
		pipelines, err = client.AutoPipeline()
	case *cluster: // its nodes have the hook already
		pipelines, err = client.AutoPipeline()
	default:
		err = fmt.Errorf("no pipelines for a %T", d)
	}
	return gathered{d, pipelines}, err
}

// Process sends one command, together with others, and waits for its reply.
func (g gathered) Process(ctx context.Context, cmd redis.Cmder) error {
	return g.pipelines.Process(ctx, cmd)
}

// Close sends nothing more and closes the database.
func (g gathered) Close() error {
	err := g.database.Close()
	_ = g.pipelines.Close() // has nothing left to send
	return err
}

// pipelineHook counts the pipelines of one client, and what travelled in them.
// A command that found no company is a pipeline of one.
type pipelineHook struct{ o *observer }

func (pipelineHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h pipelineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.o.sent(1)
		return next(ctx, cmd)
	}
}

func (h pipelineHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.o.sent(len(cmds))
		return next(ctx, cmds)
	}
}

func (o *observer) sent(commands int) {
	o.pipelines.Add(1)
	o.pipelined.Add(uint64(commands))
}
