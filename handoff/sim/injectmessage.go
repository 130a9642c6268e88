package sim

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"schload/handoff/sim/resp"
)

// swapWithin is how long a message is held back for the one that is to
// overtake it. If none comes it is delivered as it should have been.
const swapWithin = time.Second

// held is a message that waits for the next one of its channel.
type held struct {
	order   *order
	channel string
	frame   []byte
}

// deliver gives a connection a message, unless a fault is to be done to it. It
// never waits.
func (c *conn) deliver(frame []byte) {
	if in := c.sim.injector.Load(); in != nil {
		frame = in.message(c, frame)
	}
	if len(frame) > 0 {
		c.out.push(frame)
	}
}

// message returns what a connection is to be given in place of a frame, which
// may be a message.
func (in *injector) message(c *conn, frame []byte) []byte {
	channel, ok := channelOf(frame)
	if !ok {
		return frame
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if h := in.held[c]; h != nil && h.channel == channel {
		delete(in.held, c)
		h.order.claimed--
		in.done(h.order, c.on(Injury{At: in.now(), Key: channel, Command: "message", Detail: "delivered after the one behind it"}))
		return slices.Concat(frame, h.frame)
	}
	now := in.now()
	for _, o := range in.orders {
		if o.due(now) && o.concerns(channel) {
			switch o.Fault {
			case DroppedMessage:
				in.done(o, c.on(Injury{At: now, Key: channel, Command: "message", Detail: "not delivered"}))
				return nil
			case DoubledMessage:
				in.done(o, c.on(Injury{At: now, Key: channel, Command: "message", Detail: "delivered twice"}))
				return slices.Concat(frame, frame)
			case SwappedMessages:
				if in.held[c] == nil {
					in.hold(c, o, channel, frame)
					return nil
				}
			}
		}
	}
	return frame
}

// hold keeps a message back, for a while at most.
func (in *injector) hold(c *conn, o *order, channel string, frame []byte) {
	h := &held{o, channel, slices.Clone(frame)}
	in.held[c] = h
	o.claimed++
	time.AfterFunc(swapWithin, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.held[c] == h {
			in.release(c)
		}
	})
}

// release delivers a message that nothing overtook.
func (in *injector) release(c *conn) {
	h := in.held[c]
	delete(in.held, c)
	h.order.claimed--
	c.out.push(h.frame)
}

// channelOf is the channel of a published message. It reports false for other
// frames.
func channelOf(frame []byte) (string, bool) {
	if len(frame) < 4 || frame[0] != '>' && frame[0] != '*' {
		return "", false
	}
	kind, rest := bulk(frame[4:])
	channel, more := bulk(rest)
	switch string(kind) {
	case "message", "smessage":
		return string(channel), true
	case "pmessage":
		channel, _ = bulk(more)
		return string(channel), true
	}
	return "", false
}

// bulk cuts a bulk string off a frame; nil if there is none.
func bulk(in []byte) (text, rest []byte) {
	head, body, ok := bytes.Cut(in, []byte("\r\n"))
	if !ok || len(head) < 2 || head[0] != '$' {
		return nil, nil
	}
	n, err := strconv.Atoi(string(head[1:]))
	if err != nil || n < 0 || len(body) < n+2 {
		return nil, nil
	}
	return body[:n], body[n+2:]
}

// injure returns whole frames for a subscriber, perhaps with faults done to the
// messages among them.
func (c *conn) injure(frames []byte) []byte {
	in := c.sim.injector.Load()
	if in == nil {
		return frames
	}
	var out []byte
	var scan resp.Scanner
	for start, at := 0, 0; at < len(frames); {
		n, whole, err := scan.Scan(frames[at:])
		if at += n; err != nil || n == 0 {
			return append(out, frames[start:]...)
		}
		if whole {
			out = append(out, in.message(c, frames[start:at])...)
			start = at
		}
	}
	return out
}
