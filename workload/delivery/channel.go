package delivery

import (
	"sync"
	"time"
)

// channel is the account of one channel: a ring of its last messages and, for
// each of them, when each receiver heard it.
type channel struct {
	book *Book
	name string
	ears int // verdicts a message gets: one for each receiver, or one if they share

	mu      sync.Mutex
	base    uint64          // messages before it have their verdicts
	next    uint64          // number of the next message
	ring    []message       // message n stands at n modulo its length, a power of two
	heard   []time.Duration // ears for each message of the ring: the receipt plus 1, or unheard, or left
	gaps    []gap           // by ear
	newest  []time.Duration // by receiver: when the newest message it got was issued
	awaited int             // deliveries of acknowledged messages that are missing
	last    time.Duration   // when a publishing last ended
	silent  time.Duration   // since when nobody listened; never if somebody does
}

// The receipts that are none.
const (
	notHeard time.Duration = 0
	kept     time.Duration = -1 // not heard, and still with the server
	never    time.Duration = -1
)

// message is one of the ring. Its state follows from publishing it.
type message struct {
	due, issued, ended time.Duration
	state              state
	reached            int32 // ears that heard it
}

type state uint8

const (
	underWay state = iota
	acknowledged
	open
	refused
)

func newChannel(b *Book, name string) *channel {
	c := &channel{book: b, name: name, ears: b.Receivers, silent: never, newest: make([]time.Duration, b.Receivers)}
	if b.Shared {
		c.ears = 1
	}
	c.gaps = make([]gap, c.ears)
	c.resize(min(smallest, ceil(b.Window)))
	for i := range c.newest {
		c.newest[i] = never
	}
	return c
}

// ceil is the next power of two.
func ceil(n int) int {
	size := 1
	for size < n {
		size *= 2
	}
	return size
}

func (c *channel) at(number uint64) *message { return &c.ring[number&uint64(len(c.ring)-1)] }

// receipts are those of a message, by ear.
func (c *channel) receipts(number uint64) []time.Duration {
	i := int(number&uint64(len(c.ring)-1)) * c.ears
	return c.heard[i : i+c.ears]
}

// remembers reports whether a message that was issued is still in the ring.
func (c *channel) remembers(number uint64) bool {
	return number < c.next && c.next-number <= uint64(len(c.ring))
}

func (c *channel) issue(due, now time.Duration) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next-c.base == uint64(len(c.ring)) { // the slot is one of a message without verdict
		if len(c.ring) < c.book.Window {
			c.resize(2 * len(c.ring))
		} else {
			c.decide()
			c.advance()
		}
	}
	number := c.next
	c.next++
	*c.at(number) = message{due: due, issued: now}
	clear(c.receipts(number))
	return number
}

// resize makes the ring larger; what it holds moves.
func (c *channel) resize(size int) {
	ring, heard := c.ring, c.heard
	c.ring, c.heard = make([]message, size), make([]time.Duration, size*c.ears)
	for i := range uint64(len(ring)) {
		if i >= c.next {
			break
		}
		number := c.next - 1 - i
		old := number & uint64(len(ring)-1)
		*c.at(number) = ring[old]
		copy(c.receipts(number), heard[int(old)*c.ears:])
	}
}

func (c *channel) end(number uint64, now time.Duration, end End, reached int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < c.base || number >= c.next {
		return // it was given up while it was under way
	}
	m := c.at(number)
	m.ended = now
	if end == Refused && m.reached > 0 {
		end = Open // the server took it all the same
	}
	switch end {
	case Acknowledged:
		m.state = acknowledged
		c.awaited += c.ears - int(m.reached)
		c.book.Sink.Count(Published, m.due)
		c.listen(m, reached)
	case Refused:
		m.state = refused
	case Open:
		m.state = open
		c.book.Sink.Count(Indeterminate, m.due)
	}
	if end != Refused {
		c.last = max(c.last, now)
	}
	c.advance()
}

// listen follows what the server says of its listeners.
func (c *channel) listen(m *message, reached int) {
	switch {
	case reached == 0:
		c.book.Sink.Count(Unheard, m.due)
		if c.silent == never {
			c.silent = m.issued
		}
	case reached > 0 && c.silent != never:
		c.book.Sink.Silence(c.name, c.silent, max(c.silent, m.issued))
		c.silent = never
	}
}

func (c *channel) hear(receiver int, now time.Duration, payload string, again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.book.Sink.Count
	number, due, ok := c.read(payload)
	switch {
	case !ok, number >= c.next, c.remembers(number) && (c.at(number).due != due || c.at(number).state == refused):
		count(Foreign, now)
		return
	case !c.remembers(number):
		count(Belated, now)
		return
	}
	m, ear := c.at(number), receiver
	if c.book.Shared {
		ear = 0
	}
	if again {
		count(Redelivered, due)
	}
	receipt := &c.receipts(number)[ear]
	switch {
	case *receipt > notHeard:
		count(Duplicate, due)
		return
	case number < c.base:
		count(Belated, now)
		return
	}
	*receipt = now + 1
	m.reached++
	if m.state == acknowledged {
		c.awaited--
	}
	count(Delivered, due)
	c.book.Sink.Delivered(due, max(0, now-due))
	c.order(m, receiver, again)
	c.advance()
}

// order finds a message that had been acknowledged before one was issued that
// the receiver already has. What is asked for again comes when it comes.
func (c *channel) order(m *message, receiver int, again bool) {
	if !again && m.state == acknowledged && m.ended < c.newest[receiver] {
		c.book.Sink.Count(OutOfOrder, m.due)
	}
	c.newest[receiver] = max(c.newest[receiver], m.issued)
}

func (c *channel) leave(payload string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, due, ok := c.read(payload)
	if !ok || number < c.base || number >= c.next || c.at(number).due != due {
		return
	}
	for i, receipt := range c.receipts(number) {
		if receipt == notHeard {
			c.receipts(number)[i] = kept
		}
	}
}

// advance gives their verdicts to the messages whose story is over, in the
// order of their numbers.
func (c *channel) advance() {
	for c.base < c.next && c.over(c.at(c.base)) {
		c.decide()
	}
}

func (c *channel) over(m *message) bool {
	return m.state == refused || m.state != underWay && int(m.reached) == c.ears
}

// decide gives the oldest message without verdict its verdicts.
func (c *channel) decide() {
	m := c.at(c.base)
	if m.state == underWay {
		m.state = open
		c.book.Sink.Count(Indeterminate, m.due)
	}
	for ear, receipt := range c.receipts(c.base) {
		switch {
		case m.state == refused:
		case receipt > notHeard:
			c.closeGap(ear, receipt-1)
		default:
			c.missed(ear, m, receipt)
		}
	}
	c.base++
}

// missed is the verdict on a message that did not come.
func (c *channel) missed(ear int, m *message, receipt time.Duration) {
	if m.state == acknowledged {
		c.awaited--
	}
	switch {
	case receipt == kept:
		c.book.Sink.Count(Left, m.due)
	case m.state == open:
		c.book.Sink.Count(Unknown, m.due)
	default:
		c.book.Sink.Count(Lost, m.due)
		c.gaps[ear].lose(m)
	}
}

// forget gives up messages issued before an instant.
func (c *channel) forget(before time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.base < c.next && c.at(c.base).issued < before && c.at(c.base).state != underWay {
		c.decide()
		c.advance()
	}
}

func (c *channel) missing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.awaited
}

func (c *channel) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.base < c.next {
		c.decide()
	}
	for ear := range c.gaps {
		c.closeGap(ear, c.last)
	}
	if c.silent != never {
		c.book.Sink.Silence(c.name, c.silent, max(c.silent, c.last))
		c.silent = never
	}
}
