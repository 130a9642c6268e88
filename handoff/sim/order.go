package sim

import (
	"bytes"

	"schload/handoff/sim/resp"
)

// token is what the PING behind a subscription says.
const token = "schload:confirm"

var tokenReply = resp.AppendBulk(nil, token)

// deliver puts a reply in its place. The lock is held all along: two shards'
// replies must not overtake each other.
func (s *redisStore) deliver(l *line, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.slots) {
		s.conn.out.add(frame) // unasked, or uncounted
		return
	}
	if s.slots[s.next].shard != l.shard {
		s.hold(l.shard, frame)
		return
	}
	s.place(frame)
	for s.next < len(s.slots) {
		early := &s.early[s.slots[s.next].shard]
		if len(*early) == 0 {
			return
		}
		s.held -= len((*early)[0])
		s.place((*early)[0])
		*early = (*early)[1:]
	}
	s.slots, s.next = s.slots[:0], 0
	s.wake()
}

// place fills the next slot.
func (s *redisStore) place(frame []byte) {
	switch slot := &s.slots[s.next]; slot.kind {
	case relay:
		s.conn.out.add(frame)
	case confirm:
		if !bytes.HasSuffix(frame, tokenReply) { // the refusal; the PING's reply follows
			s.conn.out.add(frame)
			slot.kind = swallow
			return
		}
	}
	s.next++
}

func (s *redisStore) hold(shard int, frame []byte) {
	s.early[shard] = append(s.early[shard], bytes.Clone(frame))
	if s.held += len(frame); s.held > maxHeld {
		s.conn.cut()
	}
}
