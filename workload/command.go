package workload

import (
	"slices"

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
	sends   bool       // messages only: no mix may name it
}

// ledgers are the spaces whose commands a ledger can judge.
var ledgers = map[space]ledger.Space{
	stringSpace: ledger.Strings, counterSpace: ledger.Counters, hashSpace: ledger.Hashes, listSpace: ledger.Lists,
	setSpace: ledger.Sets, zsetSpace: ledger.Scores,
}

// What a ledger has sent on keys of its own, beside commands of the mix: SREM
// takes out what SADD added, SCARD reads a set back.
var (
	removal = command{"SREM", setSpace, member, ledger.Discard, false} // SREM key value
	count   = command{"SCARD", setSpace, nothing, ledger.Size, false}  // SCARD key
)

var commands = []command{
	{"GET", stringSpace, nothing, ledger.Read, false},      // GET key
	{"SET", stringSpace, value, ledger.Swap, false},        // SET key value
	{"DEL", stringSpace, nothing, ledger.Remove, false},    // DEL key
	{"INCR", counterSpace, nothing, ledger.Add, false},     // INCR key
	{"EXISTS", stringSpace, nothing, ledger.Exists, false}, // EXISTS key
	{"EXPIRE", stringSpace, nothing, ledger.Exists, false}, // EXPIRE key ExpireSeconds
	{"HSET", hashSpace, value, ledger.Put, false},          // HSET key HashField value
	{"HGET", hashSpace, nothing, ledger.Read, false},       // HGET key HashField
	{"LPUSH", listSpace, value, ledger.Push, false},        // LPUSH key value
	{"RPOP", listSpace, nothing, ledger.Pop, false},        // RPOP key
	{"SADD", setSpace, member, ledger.Insert, false},       // SADD key value
	{"ZADD", zsetSpace, member, ledger.Add, false},         // ZADD key 1 value
	{"PING", keyless, nothing, 0, false},                   // PING
	{"ECHO", echoSpace, value, 0, false},                   // ECHO value
	{"PUBLISH", keyless, value, 0, true},                   // PUBLISH channel message
	{"SPUBLISH", keyless, value, 0, true},                  // SPUBLISH channel message
	{"XADD", keyless, value, 0, true},                      // XADD key * MessageField message
}

// Commands returns the commands a mix may name.
func Commands() []string {
	var names []string
	for _, c := range commands {
		if !c.sends {
			names = append(names, c.name)
		}
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
