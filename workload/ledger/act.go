package ledger

// Act is what an operation does to a key, and what its reply shows.
type Act uint8

// The acts.
const (
	Read    Act = iota // shows the value
	Exists             // shows whether there is a value
	Swap               // writes a value and shows the one before
	Put                // writes a value and shows nothing
	Remove             // removes the value and shows it
	Add                // counts up and shows the number after
	Push               // appends to a list and shows its length after
	Pop                // takes from a list and shows what it took
	Insert             // adds a member of its own to a set and shows whether it was new
	Discard            // takes a member out of a set and shows whether it was there
	Size               // shows how many members a set has
)

// Writes says whether the act changes the key.
func (a Act) Writes() bool { return a >= Swap && a != Size }

// End is how an operation ended, as far as the data is concerned.
type End uint8

// The ends, in the order of workload.Effect.
const (
	Acknowledged End = iota // the reply came
	NotApplied              // certainly without effect
	Open                    // it may have been applied, or still be
)

// Call is one operation that ended.
type Call struct {
	Command  string // for people
	Act      Act
	Sequence uint64 // as Issue returned it, 0 for reads
	End      End
	Attempts int  // times it may have been sent; 0 counts as 1
	Back     bool // it reads back what is there; Settle and Resolve say so
	Reply    *Reply
}

// Reply is what a client brings back of an operation on a ledger key.
type Reply struct {
	Keep  int    // how many bytes of a value are of interest
	Value []byte // the reply's text, at most Keep bytes; nil if there was none
	Nil   bool   // the reply was nil
	Conn  uint64 // number of the connection within the arm, 0 if unknown
	Node  string // host:port of its far end
}

// Set copies what was replied; the memory is used again.
func (r *Reply) Set(value []byte, absent bool) {
	r.Value, r.Nil = append(r.Value[:0], value[:min(len(value), r.Keep)]...), absent
}

// reset forgets the reply before.
func (r *Reply) reset(keep int) {
	r.Keep, r.Value, r.Nil, r.Conn, r.Node = keep, r.Value[:0], false, 0, ""
}
