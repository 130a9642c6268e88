package notice

import (
	"fmt"
	"slices"
	"strings"
)

// Shape is a set of differences from the captured frames. Servers of today
// send none of them; drafts of the protocol and the test doubles of clients
// do, and a client may have to live with them. The zero value is the captured
// form.
type Shape uint16

// The differences. Who sends or sent each is in its comment; what contradicts
// (two forms of SMIGRATED) is decided by the first in this list.
const (
	FlatMoves     Shape = 1 << iota // SMIGRATED seq destination slots: the first draft (redis-py PR 3849)
	PairedMoves                     // SMIGRATED with pairs, the source left out: the second draft, still sent by the doubles of node-redis and go-redis
	SimpleStrings                   // + instead of bulk strings: doubles of redis-py and node-redis
	SplitSlots                      // SMIGRATING with an element per range: go-redis' documentation
	NoTime                          // MIGRATING seq shards, FAILING_OVER seq: the double of go-redis
	NoEndpoint                      // MOVING of three elements: older doubles
	BulkIntegers                    // sequence and time as bulk strings: go-redis and jedis refuse them
	LowerCase                       // the type in lower case: go-redis ignores it
	Trailing                        // one more element at the end: what a later version might add
)

var shapeNames = [...]string{
	"flat-moves", "paired-moves", "simple-strings", "split-slots", "no-time", "no-endpoint", "bulk-integers", "lower-case", "trailing",
}

// ShapeNames are the names ParseShape knows.
func ShapeNames() []string { return slices.Clone(shapeNames[:]) }

// ParseShape reads the names of differences.
func ParseShape(names ...string) (Shape, error) {
	var s Shape
	for _, name := range names {
		i := slices.Index(shapeNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("unknown frame shape %.40q: want some of %s", name, strings.Join(shapeNames[:], ", "))
		}
		s |= 1 << i
	}
	return s, nil
}

// String returns the names with commas between them; of none it is "captured".
func (s Shape) String() string {
	var names []string
	for i, name := range shapeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "captured"
	}
	return strings.Join(names, ",")
}

func (s Shape) has(d Shape) bool { return s&d != 0 }

// AppendAs appends the notice in another shape than the captured one. Like
// Append it panics on an unknown Kind.
func (n Notice) AppendAs(dst []byte, s Shape) []byte {
	if s == 0 {
		return n.Append(dst)
	}
	w := shaped{shape: s}
	w.word(n.name(s))
	w.integer(n.Seq)
	switch n.Kind {
	case Moving:
		w.moving(n)
	case Migrating, FailingOver:
		w.announced(n)
	case Migrated, FailedOver:
		w.word(shardText(n.Shards))
	case SMigrating:
		w.slots(n.Slots)
	case SMigrated:
		w.moves(n.Moves)
	}
	if s.has(Trailing) {
		w.word("more")
	}
	return append(appendInt(dst, '>', w.elements), w.body...)
}

func (n Notice) name(s Shape) string {
	if int(n.Kind) >= Kinds {
		panic("notice: cannot encode " + n.Kind.String())
	}
	if s.has(LowerCase) {
		return strings.ToLower(kindNames[n.Kind])
	}
	return kindNames[n.Kind]
}

// shaped collects the elements of a push, whose number comes first on the wire.
type shaped struct {
	shape    Shape
	elements int64
	body     []byte
}

func (w *shaped) word(text string) {
	w.elements++
	w.body = w.text(w.body, text)
}

func (w *shaped) text(dst []byte, text string) []byte {
	if w.shape.has(SimpleStrings) {
		return append(append(append(dst, '+'), text...), "\r\n"...)
	}
	return appendBulk(dst, text)
}

func (w *shaped) integer(n int64) {
	w.elements++
	if w.shape.has(BulkIntegers) {
		w.body = appendBulk(w.body, fmt.Sprint(n))
		return
	}
	w.body = appendInt(w.body, ':', n)
}

func (w *shaped) moving(n Notice) {
	w.integer(seconds(n.Time))
	switch {
	case w.shape.has(NoEndpoint):
	case n.Endpoint == "":
		w.elements++
		w.body = append(w.body, "_\r\n"...)
	default:
		w.word(n.Endpoint)
	}
}

func (w *shaped) announced(n Notice) {
	if w.shape.has(NoTime) {
		if n.Kind == Migrating {
			w.word(shardText(n.Shards))
		}
		return
	}
	w.integer(seconds(n.Time))
	w.word(shardText(n.Shards))
}

func (w *shaped) slots(text string) {
	if !w.shape.has(SplitSlots) {
		w.word(text)
		return
	}
	for part := range strings.SplitSeq(text, ",") {
		w.word(part)
	}
}

func (w *shaped) moves(moves []Move) {
	switch {
	case w.shape.has(FlatMoves):
		for _, m := range moves {
			w.word(m.Destination)
			w.word(m.Slots)
		}
		return
	case w.shape.has(PairedMoves):
		w.list(moves, func(m Move) []string { return []string{m.Destination, m.Slots} })
	default:
		w.list(moves, func(m Move) []string { return []string{m.Source, m.Destination, m.Slots} })
	}
}

// list writes one array of arrays of text.
func (w *shaped) list(moves []Move, parts func(Move) []string) {
	w.elements++
	w.body = appendInt(w.body, '*', int64(len(moves)))
	for _, m := range moves {
		texts := parts(m)
		w.body = appendInt(w.body, '*', int64(len(texts)))
		for _, text := range texts {
			w.body = w.text(w.body, text)
		}
	}
}

func shardText(shards []string) string {
	frame := string(appendShards(nil, shards))
	_, text, _ := strings.Cut(frame, "\r\n")
	return strings.TrimSuffix(text, "\r\n")
}
