package sim

import "strings"

// command is what a proxy must know of a command: whether it answers it
// itself, whether the connection changes by it, and where its keys are.
type command struct {
	name string
	kind kind
	keys keys
}

// kind says how a command is treated. The zero value is forwarded.
type kind uint8

const (
	cmdPlain kind = iota

	// The proxy's own; of CLIENT some subcommands are, the rest is forwarded.
	cmdHello
	cmdAuth
	cmdQuit
	cmdReset
	cmdClient

	cmdSubscribe  // messages may arrive from now on, at any time
	cmdMonitor    // so may lines that are no replies
	cmdBlocking   // the reply may take as long as the client likes
	cmdStreamRead // blocking if it says so

	// Transactions live on one shard.
	cmdMulti
	cmdExec
	cmdDiscard
	cmdWatch
	cmdUnwatch

	cmdExpiry      // keys may expire from now on
	cmdConditional // SET: they do if it has options
)

// keys says where a command's keys are among its arguments, the name being 0.
type keys struct {
	at    keyForm
	first int8
	last  int8 // negative counts from the end
	step  int8
}

type keyForm uint8

const (
	positions keyForm = iota // first, last and step
	none                     // it has no keys
	counted                  // first is the place of their number
	stored                   // counted, and one at the first place for the result
	streams                  // the first half of what follows STREAMS
)

// byName holds every command that is not: forwarded, with the first argument
// its only key.
var byName = commandTable()

func commandTable() map[string]command {
	table := map[string]command{}
	for _, group := range []struct {
		names string
		kind  kind
		keys  keys
	}{
		{"HELLO", cmdHello, keys{at: none}},
		{"AUTH", cmdAuth, keys{at: none}},
		{"QUIT", cmdQuit, keys{at: none}},
		{"RESET", cmdReset, keys{at: none}},
		{"CLIENT", cmdClient, keys{at: none}},
		{"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE", cmdSubscribe, keys{at: none}},
		{"MONITOR SYNC PSYNC", cmdMonitor, keys{at: none}},
		{"MULTI", cmdMulti, keys{at: none}},
		{"EXEC", cmdExec, keys{at: none}},
		{"DISCARD", cmdDiscard, keys{at: none}},
		{"WATCH", cmdWatch, keys{first: 1, last: -1, step: 1}},
		{"UNWATCH", cmdUnwatch, keys{at: none}},
		{"BLPOP BRPOP BZPOPMIN BZPOPMAX", cmdBlocking, keys{first: 1, last: -2, step: 1}},
		{"BRPOPLPUSH BLMOVE", cmdBlocking, keys{first: 1, last: 2, step: 1}},
		{"BLMPOP BZMPOP", cmdBlocking, keys{at: counted, first: 2}},
		{"WAIT WAITAOF", cmdBlocking, keys{at: none}},
		{"XREAD XREADGROUP", cmdStreamRead, keys{at: streams}},
		{"SET", cmdConditional, keys{first: 1, last: 1, step: 1}},
		{"EXPIRE PEXPIRE EXPIREAT PEXPIREAT SETEX PSETEX GETEX HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HSETEX HGETEX RESTORE",
			cmdExpiry, keys{first: 1, last: 1, step: 1}},
		{"EVAL EVALSHA FCALL", cmdExpiry, keys{at: counted, first: 2}},
		{"EVAL_RO EVALSHA_RO FCALL_RO", cmdPlain, keys{at: counted, first: 2}},
		{"MGET DEL UNLINK EXISTS TOUCH SDIFF SINTER SUNION SDIFFSTORE SINTERSTORE SUNIONSTORE PFCOUNT PFMERGE", cmdPlain,
			keys{first: 1, last: -1, step: 1}},
		{"MSET MSETNX", cmdPlain, keys{first: 1, last: -1, step: 2}},
		{"RENAME RENAMENX COPY RPOPLPUSH LMOVE SMOVE LCS GEOSEARCHSTORE ZRANGESTORE", cmdPlain, keys{first: 1, last: 2, step: 1}},
		{"BITOP", cmdPlain, keys{first: 2, last: -1, step: 1}},
		{"OBJECT XINFO XGROUP MEMORY DEBUG", cmdPlain, keys{first: 2, last: 2, step: 1}},
		{"LMPOP ZMPOP SINTERCARD ZUNION ZINTER ZDIFF ZINTERCARD", cmdPlain, keys{at: counted, first: 1}},
		{"ZUNIONSTORE ZINTERSTORE ZDIFFSTORE", cmdPlain, keys{at: stored, first: 2}},
		{"PING ECHO SELECT SWAPDB INFO DBSIZE FLUSHALL FLUSHDB KEYS SCAN RANDOMKEY CONFIG COMMAND TIME LASTSAVE SAVE " +
			"BGSAVE BGREWRITEAOF PUBLISH SPUBLISH PUBSUB SCRIPT FUNCTION SLOWLOG LATENCY ACL CLUSTER MODULE ROLE " +
			"SHUTDOWN READONLY READWRITE ASKING FAILOVER REPLICAOF SLAVEOF LOLWUT", cmdPlain, keys{at: none}},
	} {
		for name := range strings.FieldsSeq(group.names) {
			table[name] = command{name, group.kind, group.keys}
		}
	}
	return table
}

// lookup finds a command by its name in any letter case. It does not allocate
// for the commands it knows.
func lookup(name []byte) command {
	var upper [20]byte
	if len(name) <= len(upper) {
		for i, c := range name {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			upper[i] = c
		}
		if known, ok := byName[string(upper[:len(name)])]; ok {
			return known
		}
	}
	return command{keys: keys{first: 1, last: 1, step: 1}}
}
