package delivery

import "time"

// Result is what became of a message, or of one delivery.
type Result uint8

// The results. The first three are of messages; Delivered to Unknown are the
// verdicts, one for each message that may have been taken and receiver that
// was to have it; the others are of single deliveries.
const (
	Published     Result = iota // the server acknowledged the message
	Unheard                     // it did, and said that nobody listened
	Indeterminate               // nobody knows whether the server took it

	Delivered // it came
	Lost      // it was acknowledged and never came
	Left      // it did not come and was still with the server at the end
	Unknown   // it never came, and nobody knows whether the server took it

	Duplicate   // it came again
	Redelivered // it came when the receiver asked for what it had not confirmed
	OutOfOrder  // it came after one that was sent when it had been acknowledged already
	Foreign     // a payload that nobody published there: of another run, or damaged
	Belated     // it came after its verdict, or is older than what is remembered
	results
)

// Results is the number of results: the size of an array indexed by Result.
const Results = int(results)

var resultNames = [Results]string{"published", "unheard", "indeterminate", "delivered", "lost", "left", "unknown",
	"duplicate", "redelivered", "out_of_order", "foreign", "belated"}

// String returns the result as files and metrics spell it.
func (r Result) String() string { return resultNames[r] }

// End is how publishing a message ended.
type End uint8

// The ends.
const (
	Acknowledged End = iota // the reply came
	Refused                 // certainly without effect, or never sent
	Open                    // the server may have taken it
)

// Gap is a run of messages of one channel that one receiver lost, between two
// that it got. (For receivers that share the messages: that all of them lost.)
type Gap struct {
	Channel  string
	Receiver int           // 0 for receivers that share
	Messages uint64        // lost in it
	Due      time.Duration // when the first of them was due
	From, To time.Duration // from the last receipt before to the first after it; at the edges of the run from when the first was due, to when the last publishing ended
}

// Length is how long the receiver heard nothing that was not older.
func (g Gap) Length() time.Duration { return max(0, g.To-g.From) }

// Sink takes the verdicts. Its methods are called with a channel's lock held,
// by several goroutines at once; they must not block and not call the book.
type Sink interface {
	// Count states one result of a message that was due at an instant; of a
	// payload that is foreign or belated, the instant of its receipt.
	Count(r Result, due time.Duration)
	// Delivered states how long a delivery took, from when it was due.
	Delivered(due, took time.Duration)
	// Gap states a gap that is over.
	Gap(g Gap)
	// Silence states a span in which a channel had no listener by the server's
	// own account: from the first publishing that reached nobody to the next
	// that reached somebody.
	Silence(channel string, from, to time.Duration)
}
