package workload

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"schload/workload/ledger"
)

// HashField is the one field of every hash: HSET writes it, HGET reads it.
const HashField = "f"

// MessageField is the one field of the entries of streams.
const MessageField = "m"

// ExpireSeconds is the time to live that EXPIRE sets. It is long, so that an
// expiry never looks like lost data within a run.
const ExpireSeconds = 24 * 60 * 60

// Members is how many different members SADD and ZADD add to one key: sets are
// bounded. (Lists are not: balance LPUSH with RPOP or LTRIM in the mix.)
const Members = 1024

// AbsentField is a field no hash has: HMGET asks for it beside HashField.
const AbsentField = "g"

// What the commands on parts of a value ask for, or leave.
const (
	RangeBytes = 64   // GETRANGE reads the first bytes of a string
	Page       = 10   // LRANGE and ZRANGE read the first elements
	ListCap    = 100  // LTRIM leaves the first elements
	StreamCap  = 1000 // XADD leaves about as many entries
)

// Script is what EVAL runs: it counts a number up by reading and writing it,
// which only the server can do at once, and says which key it did that to.
const Script = `local n = tonumber(redis.call('GET', KEYS[1]) or '0') + 1
redis.call('SET', KEYS[1], n)
return KEYS[1] .. '|' .. n`

// space is a set of keys that hold one type of value, so that no command meets
// a key of another type (WRONGTYPE). GET reads what SET wrote.
type space uint8

const (
	keyless space = iota
	stringSpace
	counterSpace
	hashSpace
	listSpace
	setSpace
	zsetSpace
	echoSpace        // never stored; the token makes a crossed reply visible
	batchSpace       // keys in groups that share a hash tag, see group
	leaseSpace       // strings that expire, each of one worker of one arm
	streamSpace      // entries, of which the oldest are dropped
	transactionSpace // strings that one worker of one arm writes
	spaces
)

var spaceNames = [spaces]string{
	"", "string", "counter", "hash", "list", "set", "zset", "echo", "batch", "lease", "stream", "transaction",
}

// payload is what Operation.Value holds.
type payload uint8

const (
	nothing payload = iota
	value           // unique: the key's token, the worker and its counter
	member          // one of Members, the same for every worker
)

// command is a Redis command the engine can issue. How an Operation becomes
// arguments is in the comment.
type command struct {
	name    string
	space   space
	payload payload
	act     ledger.Act // on a key of a space that ledgers has
}

// unjudged is the act of a command that no ledger judges: it goes to no key of
// a ledger.
const unjudged = ledger.Act(math.MaxUint8)

// ledgers are the spaces some of whose commands a ledger can judge.
var ledgers = map[space]ledger.Space{
	stringSpace: ledger.Strings, counterSpace: ledger.Counters, hashSpace: ledger.Hashes, listSpace: ledger.Lists,
	setSpace: ledger.Sets, zsetSpace: ledger.Scores,
}

// What a ledger has sent on keys of its own, beside commands of the mix: SREM
// takes out what SADD added, SCARD reads a set back.
var (
	removal = command{"SREM", setSpace, member, ledger.Discard} // SREM key value
	count   = command{"SCARD", setSpace, nothing, ledger.Size}  // SCARD key
)

var commands = []command{
	{"GET", stringSpace, nothing, ledger.Read},      // GET key
	{"SET", stringSpace, value, ledger.Swap},        // SET key value
	{"DEL", stringSpace, nothing, ledger.Remove},    // DEL key
	{"INCR", counterSpace, nothing, ledger.Add},     // INCR key
	{"EXISTS", stringSpace, nothing, ledger.Exists}, // EXISTS key
	{"EXPIRE", stringSpace, nothing, ledger.Exists}, // EXPIRE key ExpireSeconds
	{"HSET", hashSpace, value, ledger.Put},          // HSET key HashField value
	{"HGET", hashSpace, nothing, ledger.Read},       // HGET key HashField
	{"LPUSH", listSpace, value, ledger.Push},        // LPUSH key value
	{"RPOP", listSpace, nothing, ledger.Pop},        // RPOP key
	{"SADD", setSpace, member, ledger.Insert},       // SADD key value
	{"ZADD", zsetSpace, member, ledger.Add},         // ZADD key 1 value
	{"PING", keyless, nothing, unjudged},            // PING
	{"ECHO", echoSpace, value, unjudged},            // ECHO value

	{"MGET", batchSpace, nothing, unjudged},      // MGET keys
	{"MSET", batchSpace, value, unjudged},        // MSET key value ...
	{"EVAL", counterSpace, nothing, unjudged},    // Script on key
	{"MULTI", transactionSpace, value, unjudged}, // WATCH key, GET key, MULTI, SET key value, EXEC

	{"SETEX", leaseSpace, value, unjudged},     // SETEX key LeaseSeconds value
	{"GETEX", leaseSpace, nothing, unjudged},   // GETEX key EX LeaseSeconds
	{"TTL", leaseSpace, nothing, unjudged},     // TTL key
	{"PTTL", leaseSpace, nothing, unjudged},    // PTTL key
	{"PERSIST", leaseSpace, nothing, unjudged}, // PERSIST key

	{"GETRANGE", stringSpace, nothing, unjudged}, // GETRANGE key 0 RangeBytes-1
	{"HMGET", hashSpace, nothing, unjudged},      // HMGET key HashField AbsentField
	{"HGETALL", hashSpace, nothing, unjudged},    // HGETALL key
	{"LRANGE", listSpace, nothing, unjudged},     // LRANGE key 0 Page-1
	{"LTRIM", listSpace, nothing, unjudged},      // LTRIM key 0 ListCap-1
	{"SREM", setSpace, member, unjudged},         // SREM key value
	{"SISMEMBER", setSpace, member, unjudged},    // SISMEMBER key value
	{"ZINCRBY", zsetSpace, member, unjudged},     // ZINCRBY key 1 value
	{"ZSCORE", zsetSpace, member, unjudged},      // ZSCORE key value
	{"ZRANGE", zsetSpace, nothing, unjudged},     // ZRANGE key 0 Page-1
	{"XADD", streamSpace, value, unjudged},       // XADD key MAXLEN ~ StreamCap * HashField value
	{"XLEN", streamSpace, nothing, unjudged},     // XLEN key
}

// messages are the commands by which pools that deliver messages send them; the
// account of the messages names their keys.
var messages = []command{
	{"PUBLISH", keyless, value, unjudged},  // PUBLISH channel message
	{"SPUBLISH", keyless, value, unjudged}, // SPUBLISH channel message
	{"LPUSH", keyless, value, unjudged},    // LPUSH list message
	{"XADD", keyless, value, unjudged},     // XADD stream * MessageField message
}

// LeaseSeconds is the time to live that SETEX and GETEX set: short, so that keys
// expire within a run.
const LeaseSeconds = 3

// Commands returns the commands a mix may name.
func Commands() []string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.name
	}
	return names
}

// findCommand returns a command of a mix.
func findCommand(name string) (command, error) {
	if c, ok := lookUp(commands, name); ok {
		return c, nil
	}
	if _, ok := lookUp(messages, name); ok {
		return command{}, fmt.Errorf("command %s sends messages: give the pool a kind that does (%s), and no mix", name, strings.Join(kindNames[KindPubSub:], ", "))
	}
	return command{}, unknown("command", name, Commands())
}

// command returns what an entry of the pool's mix stands for.
func (p Pool) command(name string) (command, error) {
	if c, ok := lookUp(messages, name); ok && p.Kind.Messages() {
		return c, nil
	}
	return findCommand(name)
}

func lookUp(in []command, name string) (command, bool) {
	i := slices.IndexFunc(in, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return in[i], true
}
