package workload

// Kind is what a pool does.
type Kind uint8

// The kinds of pools.
const (
	KindCommands      Kind = iota // commands of a mix, each with its reply
	KindCanary                    // the same at a low rate, over a client of its own
	KindPubSub                    // messages of plain channels
	KindShardedPubSub             // messages of sharded channels
	KindQueue                     // elements of lists
	KindStream                    // entries of streams
	KindConsumerGroup             // entries of streams, shared by a group
)

var kindNames = []string{"commands", "canary", "pubsub", "sharded-pubsub", "queue", "stream", "consumer-group"}

// String returns the kind as profiles spell it.
func (k Kind) String() string { return nameOf("kind", kindNames, k) }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = valueOf[Kind]("kind", kindNames, string(text))
	return err
}
