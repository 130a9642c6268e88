package delivery

import (
	"strconv"
	"time"
)

// Config says what a book accounts for.
type Config struct {
	Prefix, Arm, Pool string // of the channels' names
	Nonce             uint32 // of the run; payloads with another are foreign
	Channels          int
	Receivers         int  // of each channel
	Shared            bool // each message goes to one receiver, else to all of them

	// Patience is how long after its publishing began a message is waited for;
	// default DefaultPatience. Settle waits for nothing.
	Patience time.Duration

	// Window is how many messages of a channel are remembered at most while
	// some of them are missing, rounded up to a power of two; default
	// DefaultWindow. The oldest is given up for one too many.
	Window int

	Sink Sink
}

// The defaults of Config. A message takes 32 bytes and 8 for each receiver, so
// a channel with four of them has 256 KB, and 8 MB while messages are missing.
const (
	DefaultPatience = time.Minute
	DefaultWindow   = 1 << 17
	smallest        = 1 << 12 // messages that are always remembered
)

// Book is the account of one pool's messages. Its methods may be called by
// several goroutines at once. All instants count from one base.
type Book struct {
	Config
	channels []*channel
}

// New returns a book with nothing published yet.
func New(c Config) *Book {
	if c.Patience <= 0 {
		c.Patience = DefaultPatience
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	b := &Book{Config: c}
	for i := range c.Channels {
		// The hash tag leaves the arm out: on a cluster the channels of all arms lie
		// in the same slots, so that the same befalls them.
		b.channels = append(b.channels, newChannel(b, c.Prefix+"message:"+c.Arm+":{"+c.Pool+":"+strconv.Itoa(i)+"}"))
	}
	return b
}

// Names returns the names of the channels, in the order of their numbers.
func (b *Book) Names() []string {
	names := make([]string, len(b.channels))
	for i, c := range b.channels {
		names[i] = c.name
	}
	return names
}

// Name returns the name of a channel.
func (b *Book) Name(channel int) string { return b.channels[channel].name }

// Issue begins a message: it returns its number in the channel. It must be
// called before the message is sent, and End after.
func (b *Book) Issue(channel int, due, now time.Duration) (number uint64) {
	return b.channels[channel].issue(due, now)
}

// AppendToken writes what the payload of a message must begin with.
func (b *Book) AppendToken(to []byte, channel int, number uint64, due time.Duration) []byte {
	return b.channels[channel].appendToken(to, number, due)
}

// End says how publishing a message ended, and how many receivers the server
// said it reached; -1 if it does not say.
func (b *Book) End(channel int, number uint64, now time.Duration, end End, reached int) {
	b.channels[channel].end(number, now, end, reached)
}

// Hear takes one payload that reached a receiver of a channel. again says that
// the receiver had asked for what it had not confirmed.
func (b *Book) Hear(channel, receiver int, now time.Duration, payload string, again bool) {
	b.channels[channel].hear(receiver, now, payload, again)
}

// Leave says that a payload is still with the server. Receivers that never got
// it have not lost it.
func (b *Book) Leave(channel int, payload string) { b.channels[channel].leave(payload) }

// Advance gives up what is older than the patience.
func (b *Book) Advance(now time.Duration) {
	for _, c := range b.channels {
		c.forget(now - b.Patience)
	}
}

// Awaited returns how many deliveries of acknowledged messages are missing
// that have no verdict yet.
func (b *Book) Awaited() (n int) {
	for _, c := range b.channels {
		n += c.missing()
	}
	return n
}

// Settle gives every message its verdict, and ends the gaps and silences that
// are open. Publishing must have ended.
func (b *Book) Settle() {
	for _, c := range b.channels {
		c.settle()
	}
}
