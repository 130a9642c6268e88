package notice

import "time"

// Kind is one of the seven maintenance pushes.
type Kind uint8

// The kinds. The first five belong to databases behind an endpoint, the last
// two to the OSS Cluster API; no database sends both.
const (
	Moving Kind = iota
	Migrating
	Migrated
	FailingOver
	FailedOver
	SMigrating
	SMigrated
	kinds
)

// Kinds is the number of kinds: the size of an array indexed by Kind.
const Kinds = int(kinds)

// Notice is one maintenance push. Which fields apply depends on Kind:
//
//	MOVING                    Seq, Time, Endpoint
//	MIGRATING, FAILING_OVER   Seq, Time, Shards
//	MIGRATED, FAILED_OVER     Seq, Shards
//	SMIGRATING                Seq, Slots
//	SMIGRATED                 Seq, Moves
type Notice struct {
	Kind     Kind
	Seq      int64         // identifies the event, per database; 0 is legal
	Time     time.Duration // whole seconds on the wire; may be 0 or negative for a late joiner
	Endpoint string        // host:port, or empty for the RESP3 null
	Shards   []string      // shard ids, one bulk string holding JSON text on the wire
	Slots    string        // "0-99,200" as on the wire
	Moves    []Move
}

// Move says that slots went from one node to another.
type Move struct {
	Source, Destination string // host:port
	Slots               string
}
