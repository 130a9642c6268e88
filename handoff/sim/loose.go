package sim

import (
	"bytes"
	"strconv"

	"schload/handoff/sim/resp"
)

// A RESP2 subscriber's messages look like replies, and so do the lines of
// MONITOR. While a connection may get them it is loose: what its shard says
// goes to the client as it comes, and the connection lives on that shard alone.

// loosen makes the connection loose, and sends what makes it so.
func (s *redisStore) loosen(l *line, raw []byte, forGood bool) error {
	if !s.loose.Load() {
		if err := s.settle(); err != nil {
			return err
		}
	}
	s.open = s.open || forGood
	s.loose.Store(true)
	l.out = append(l.out, raw...)
	return s.sendNow(l)
}

// tighten settles a loose connection: a PING with a token is answered when
// everything before it is. If no subscription is left by then, replies can be
// counted again.
func (s *redisStore) tighten() error {
	l := s.lines[0]
	if s.open || l == nil {
		return s.flush()
	}
	s.mu.Lock()
	s.slots = append(s.slots[:0], slot{0, confirm}) // before the reply can come
	s.mu.Unlock()
	l.out = resp.AppendRequest(l.out, "PING", token)
	if err := s.sendNow(l); err != nil {
		return err
	}
	s.mu.Lock()
	for len(s.slots) > 0 && s.broken == nil {
		if err := s.wait(); err != nil {
			return err
		}
	}
	defer s.mu.Unlock()
	s.loose.Store(s.topics != [2]int{})
	return s.broken
}

// overhear passes on what a loose connection's shard says, and keeps count of
// its subscriptions.
func (s *redisStore) overhear(frame []byte) {
	s.mu.Lock()
	if len(s.slots) > 0 && bytes.HasSuffix(frame, tokenReply) {
		s.slots, s.next = s.slots[:0], 0
		s.wake()
		s.mu.Unlock()
		return
	}
	if sharded, n, ok := confirmation(frame); ok {
		s.topics[sharded] = n
	}
	s.mu.Unlock()
	s.conn.out.push(frame)
}

// confirmation reads how many subscriptions are left after a change of them;
// those of sharded channels are counted by themselves.
func confirmation(frame []byte) (sharded, n int, ok bool) {
	rest, ok := bytes.CutPrefix(frame, []byte("*3\r\n$"))
	if !ok {
		return 0, 0, false
	}
	_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
	kind, _, _ := bytes.Cut(rest, []byte("\r\n"))
	switch string(kind) {
	case "ssubscribe", "sunsubscribe":
		sharded = 1
	case "subscribe", "psubscribe", "unsubscribe", "punsubscribe":
	default:
		return 0, 0, false
	}
	count := frame[bytes.LastIndexByte(frame, ':')+1 : len(frame)-2]
	n, err := strconv.Atoi(string(count))
	return sharded, n, err == nil
}
