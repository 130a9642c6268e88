package workload

import (
	"slices"

	"schload/workload/ledger"
)

// HashField is the one field of every hash: HSET writes it, HGET reads it.
const HashField = "f"

// ExpireSeconds is the time to live that EXPIRE sets. It is long, so that an
// expiry never looks like lost data within a run.
const ExpireSeconds = 24 * 60 * 60

// Members is how many different members SADD and ZADD add to one key: sets are
// bounded. (Lists are not: balance LPUSH with RPOP in the mix.)
const Members = 1024

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
	echoSpace // never stored; the token makes a crossed reply visible
	spaces
)

var spaceNames = [spaces]string{"", "string", "counter", "hash", "list", "set", "zset", "echo"}

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

// ledgers are the spaces whose commands a ledger can judge.
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
	{"PING", keyless, nothing, 0},                   // PING
	{"ECHO", echoSpace, value, 0},                   // ECHO value
}

// Commands returns the commands a mix may name.
func Commands() []string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.name
	}
	return names
}

func findCommand(name string) (command, error) {
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, unknown("command", name, Commands())
	}
	return commands[i], nil
}
