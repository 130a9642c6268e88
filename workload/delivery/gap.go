package delivery

import "time"

// gap follows one ear through the messages in the order of their numbers.
type gap struct {
	got      bool          // anything at all
	latest   time.Duration // receipt of what it got
	messages uint64        // lost since
	due      time.Duration // of the first of these
}

func (g *gap) lose(m *message) {
	if g.messages == 0 {
		g.due = m.due
	}
	g.messages++
}

// closeGap says that an ear got a message at an instant, or that there are no
// more.
func (c *channel) closeGap(ear int, at time.Duration) {
	g := &c.gaps[ear]
	if g.messages > 0 {
		from := g.due
		if g.got {
			from = g.latest
		}
		c.book.Sink.Gap(Gap{Channel: c.name, Receiver: ear, Messages: g.messages, Due: g.due, From: from, To: max(from, at)})
		g.messages = 0
	}
	g.got, g.latest = true, max(g.latest, at)
}
