package notice

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Notice is one maintenance push. Which fields apply depends on Kind:
//
//	MOVING                    Seq, Time, Endpoint
//	MIGRATING, FAILING_OVER   Seq, Time, Shards
//	MIGRATED, FAILED_OVER     Seq, Shards
//	SMIGRATING                Seq, Slots
//	SMIGRATED                 Seq, Moves
//
// It is a value; the slices belong to whoever holds the Notice.
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

// Equal reports whether two notices say the same. Fields that do not apply to
// the kind count too; a nil and an empty slice are alike.
func (n Notice) Equal(o Notice) bool {
	return n.Kind == o.Kind && n.Seq == o.Seq && n.Time == o.Time && n.Endpoint == o.Endpoint &&
		n.Slots == o.Slots && slices.Equal(n.Shards, o.Shards) && slices.Equal(n.Moves, o.Moves)
}

// String returns the notice as one line for people: "MOVING 17 in 15s to
// 10.0.0.2:6379". It is not the wire form, which is Append's.
func (n Notice) String() string {
	switch n.Kind {
	case Moving:
		to := "the same name"
		if n.Endpoint != "" {
			to = n.Endpoint
		}
		return fmt.Sprintf("%v %d in %v to %s", n.Kind, n.Seq, n.Time, to)
	case Migrating, FailingOver:
		return fmt.Sprintf("%v %d in %v shards %s", n.Kind, n.Seq, n.Time, strings.Join(n.Shards, ","))
	case Migrated, FailedOver:
		return fmt.Sprintf("%v %d shards %s", n.Kind, n.Seq, strings.Join(n.Shards, ","))
	case SMigrating:
		return fmt.Sprintf("%v %d slots %s", n.Kind, n.Seq, n.Slots)
	case SMigrated:
		text := fmt.Sprintf("%v %d", n.Kind, n.Seq)
		for _, m := range n.Moves {
			text += fmt.Sprintf(" %s->%s %s", m.Source, m.Destination, m.Slots)
		}
		return text
	}
	return n.Kind.String()
}
