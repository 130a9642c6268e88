package handoff

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// transactionKinds is MULTI.
var transactionKinds = map[string]*kind{
	"MULTI": {fresh: newTransaction, writes: true, want: wantTransaction},
}

// transaction is a read, and a write that takes place unless somebody else
// writes meanwhile, as applications write it: WATCH key, GET key, then MULTI,
// SET key value and EXEC together, all on one connection. An EXEC that did
// nothing for that reason is a Conflict; it is not tried again.
type transaction struct {
	kind   *kind
	op     *workload.Operation
	flight *flight
	seen   *redis.StringCmd // GET
	wrote  *redis.StatusCmd // SET
	err    error
}

func newTransaction(k *kind, op *workload.Operation) exchange { return &transaction{kind: k, op: op} }

func (t *transaction) send(f *flight, db database) {
	f.tx, f.unsent, t.flight = true, true, f
	t.err = db.Watch(f, t.run, t.op.Key)
}

// run is what happens between WATCH and the end of the transaction.
func (t *transaction) run(tx *redis.Tx) error {
	f := t.flight
	f.steps++
	t.seen = tx.Get(f, t.op.Key)
	if err := t.seen.Err(); err != nil && err != redis.Nil {
		return err
	}
	f.steps++
	f.unsent = false
	_, err := tx.TxPipelined(f, func(pipe redis.Pipeliner) error {
		t.wrote = pipe.Set(f, t.op.Key, t.op.Value, 0)
		return nil
	})
	return err
}

// queue is never called: workload.Pool.Validate refuses transactions in a
// pipeline.
func (t *transaction) queue(*flight, redis.Pipeliner) {
	panic("handoff: MULTI in a pipeline: a transaction is several round trips")
}

func (t *transaction) verb() *kind  { return t.kind }
func (t *transaction) Err() error   { return t.err }
func (t *transaction) text() []byte { return nil }

func (t *transaction) belongs(op *workload.Operation) bool {
	return t.wrote != nil && okStatus(t.wrote) && (t.seen.Err() == redis.Nil || ownValue(op, t.seen))
}

func okStatus(reply *redis.StatusCmd) bool { return reply.Err() == nil && reply.Val() == "OK" }

func (t *transaction) said() string {
	if t.wrote == nil {
		return "no reply"
	}
	return fmt.Sprintf("%.40q and %.40q", t.seen.Val(), t.wrote.Val())
}

func wantTransaction(op *workload.Operation) string { return wantOwnValue(op) + ", and OK" }

// isTransactions reports whether a command is one of those that a transaction
// sends one by one. Those of a handshake on the way are not.
func isTransactions(cmd redis.Cmder) bool {
	name := cmd.Name()
	return name == "watch" || name == "get"
}

// followed counts what a part of a transaction was answered with instead, as
// nobody else tells: the library follows redirects of WATCH by itself.
func (f *flight) followed(err error) {
	if _, moved := redis.IsMovedError(err); moved {
		f.redirected(redirectMoved)
	} else if _, ask := redis.IsAskError(err); ask {
		f.redirected(redirectAsk)
	}
}
