package handoff

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// scriptKinds is EVAL. It is sent as the library's Script.Run does it: EVALSHA
// with the script's digest, and EVAL with its text to a server that says that
// it does not have the script. In a pipeline, where nobody waits for that
// answer, it is EVAL at once.
var scriptKinds = map[string]*kind{
	"EVAL": {fresh: newScript, args: evalsha, writes: true, check: countReply, want: wantCount},
}

var digest = redis.NewScript(workload.Script).Hash()

func evalsha(op *workload.Operation) []any { return []any{"evalsha", digest, 1, op.Key} }
func eval(op *workload.Operation) []any    { return []any{"eval", workload.Script, 1, op.Key} }

// script is one run of the script.
type script struct {
	once
	op *workload.Operation
}

func newScript(k *kind, op *workload.Operation) exchange {
	return &script{once{redis.NewStringCmd(context.Background(), evalsha(op)...), k}, op}
}

func (s *script) send(f *flight, db database) {
	s.once.send(f, db)
	if isNoScript(s.Err()) {
		f.steps++
		s.whole()
		s.once.send(f, db)
	}
}

func (s *script) queue(f *flight, pipe redis.Pipeliner) {
	s.whole()
	s.once.queue(f, pipe)
}

// whole makes it the command that takes the script along.
func (s *script) whole() { s.StringCmd = redis.NewStringCmd(context.Background(), eval(s.op)...) }

// countReply accepts the key, the separator and what was counted.
func countReply(op *workload.Operation, reply *redis.StringCmd) bool {
	got := reply.Val()
	if !workload.Belongs(op.Key, got) {
		return false
	}
	n, err := strconv.ParseInt(got[len(workload.Token(op.Key)):], 10, 64)
	return err == nil && n >= 1
}

func wantCount(op *workload.Operation) string {
	return fmt.Sprintf("%.80q and a number, 1 or more", workload.Token(op.Key))
}
