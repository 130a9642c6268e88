package experiment

import (
	"fmt"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// unbelievable leaves the evidence of replies that the engine found to be
// wrong: the client, which has no memory of keys, took them for good.
func (r *run) unbelievable(a *arm, pool string) func(*workload.Operation, string) {
	return func(op *workload.Operation, why string) {
		m := mark.Mark{At: time.Since(r.Base), Kind: mark.WrongReply, Name: workload.WrongReply.String(), Source: "arm", Arm: a.name, Pool: pool,
			Conn: a.conn(op.Reply.Conn), Node: op.Reply.Node, Detail: fmt.Sprintf("%s %.80q: got %.20q: %s", op.Command, op.Key, op.Reply.Value, why)}
		r.Timeline.Mark(m)
	}
}
