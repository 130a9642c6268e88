package sim

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"schload/handoff/sim/resp"
)

const (
	// maxInFlight is how many commands of one connection wait for replies
	// before the next one waits too.
	maxInFlight = 1024
	// maxHeld is how much of early replies, those of one shard that must wait
	// for another's, is held.
	maxHeld = 64 << 20
	// eager is how much is collected for a shard before it is sent.
	eager = 64 << 10
)

// redisStore is one connection's view of the shards. Commands leave on the
// connection's goroutine; replies come in on one goroutine per shard, which
// puts them into the outbox in the order of the commands.
type redisStore struct {
	*redisShards
	conn   *conn
	router router
	lines  []*line     // by shard; nil until a command needs it
	loose  atomic.Bool // a RESP2 subscriber, or MONITOR: replies cannot be counted any more

	mu      sync.Mutex
	slots   []slot        // of replies to come, in the order of the commands
	next    int           // the first slot that is not filled
	early   [][][]byte    // by shard: replies that came before their turn
	held    int           // bytes of them
	waiting chan struct{} // closed when every slot is filled, or the store broken
	broken  error
}

// line is a connection to one shard.
type line struct {
	shard   int
	net     net.Conn
	replies *resp.Replies
	out     []byte        // commands that were not sent yet
	done    chan struct{} // closed when nothing is received any more
}

// slot stands for one reply to come.
type slot struct {
	shard int
	kind  slotKind
}

type slotKind uint8

const (
	relay   slotKind = iota // goes to the client
	swallow                 // to a command that the client did not send
	confirm                 // to the PING behind a subscription, see subscribe
)

// token is what the PING behind a subscription says.
const token = "schload:confirm"

var tokenReply = resp.AppendBulk(nil, token)

func (s *redisStore) run(req resp.Request, cmd command) error {
	if req.Raw[0] != '*' { // typed by hand: not every store reads that
		req.Raw = resp.AppendRequest(nil, req.Args...)
	}
	r := s.router.route(req.Args, cmd)
	if s.loose.Load() && r.shard > 0 {
		r = here("-ERR the simulator serves this connection by shard 1 only since it subscribed in RESP2: use another one\r\n")
	}
	if r.shard == nowhere {
		return s.conn.say([]byte(r.local))
	}
	if err := s.conn.pass(r.shard); err != nil {
		return err
	}
	l, err := s.line(r.shard)
	if err != nil {
		return s.conn.say(resp.AppendError(nil, "ERR "+err.Error()))
	}
	if r.before != "" {
		if err := s.send(l, resp.AppendRequest(nil, r.before), swallow); err != nil {
			return err
		}
	}
	switch {
	case r.after:
		return s.conn.say([]byte(r.local))
	case cmd.kind == cmdSubscribe:
		return s.subscribe(l, req)
	case cmd.kind == cmdMonitor:
		return s.loosen(l, req.Raw)
	}
	return s.send(l, req.Raw, relay)
}

// subscribe sends a command whose confirmations are pushes, one per channel,
// in RESP3; only a refusal is a reply. A PING behind it tells when it is over.
// In RESP2 confirmations and messages look like replies.
func (s *redisStore) subscribe(l *line, req resp.Request) error {
	if s.conn.protocol == 2 {
		return s.loosen(l, req.Raw)
	}
	if s.conn.inMulti {
		return s.send(l, req.Raw, relay)
	}
	l.out = append(l.out, req.Raw...)
	return s.send(l, resp.AppendRequest(nil, "PING", token), confirm)
}

// loosen gives up counting: from now on what the shard says goes to the
// client as it comes.
func (s *redisStore) loosen(l *line, raw []byte) error {
	if err := s.settle(); err != nil {
		return err
	}
	s.loose.Store(true)
	l.out = append(l.out, raw...)
	return s.sendNow(l)
}

// send has a command sent soon and expects its reply.
func (s *redisStore) send(l *line, raw []byte, kind slotKind) error {
	l.out = append(l.out, raw...)
	if s.loose.Load() {
		return nil
	}
	s.mu.Lock()
	s.slots = append(s.slots, slot{l.shard, kind})
	full := len(s.slots)-s.next >= maxInFlight
	s.mu.Unlock()
	switch {
	case full:
		return s.settle()
	case len(l.out) > eager:
		return s.sendNow(l)
	}
	return nil
}

func (s *redisStore) flush() error {
	for _, l := range s.lines {
		if l != nil && len(l.out) > 0 {
			if err := s.sendNow(l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *redisStore) sendNow(l *line) error {
	l.net.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.net.Write(l.out)
	l.out = l.out[:0]
	if cap(l.out) > keepBuffer {
		l.out = nil
	}
	return err
}

// settle also ends when the connection does.
func (s *redisStore) settle() error {
	if err := s.flush(); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		left, err := len(s.slots)-s.next, s.broken
		if left > 0 && err == nil {
			s.waiting = make(chan struct{})
		}
		waiting := s.waiting
		s.mu.Unlock()
		if left == 0 || err != nil {
			return err
		}
		s.conn.out.flush()
		select {
		case <-waiting:
		case <-s.conn.gone:
			return errEnd
		}
	}
}

// speak is called when nothing is in flight.
func (s *redisStore) speak(protocol int) error {
	for _, l := range s.lines {
		if l != nil {
			if err := s.send(l, resp.AppendRequest(nil, "HELLO", fmt.Sprint(protocol)), swallow); err != nil {
				return err
			}
		}
	}
	return s.settle()
}

func (s *redisStore) reset(int) error {
	s.close()
	for _, l := range s.lines {
		if l != nil {
			<-l.done
		}
	}
	s.begin()
	return nil
}

// begin makes the store as new. Nobody else uses it.
func (s *redisStore) begin() {
	s.loose.Store(false)
	s.slots, s.next, s.held, s.waiting, s.broken = nil, 0, 0, nil, nil
	s.router = newRouter(s.count())
	s.lines = make([]*line, s.count())
	s.early = make([][][]byte, s.count())
}

func (s *redisStore) close() {
	s.fail(errEnd)
	for _, l := range s.lines {
		if l != nil {
			l.net.Close()
		}
	}
}

// line returns the connection to a shard, made when first needed.
func (s *redisStore) line(shard int) (*line, error) {
	if l := s.lines[shard]; l != nil {
		return l, nil
	}
	conn, replies, err := s.connect(s.conn.sim.ctx, shard, s.conn.protocol)
	if err != nil {
		return nil, err
	}
	l := &line{shard: shard, net: conn, replies: replies, done: make(chan struct{})}
	s.lines[shard] = l
	s.conn.started.Go(func() { s.receive(l) })
	return l, nil
}

// receive hands over what a shard says until its connection ends, and the
// client's with it: what was in flight is lost.
func (s *redisStore) receive(l *line) {
	defer close(l.done)
	for {
		frame, err := l.replies.Next()
		if err != nil {
			if s.fail(err) {
				s.conn.sim.log.Warn("shard closed its connection", "shard", s.targets[l.shard].url, "err", err)
				s.conn.cut()
			}
			return
		}
		if resp.IsPush(frame) || s.loose.Load() {
			s.conn.out.push(frame) // a message: it must not hold up the publisher
			continue
		}
		s.deliver(l, frame)
		if !l.replies.Ready() {
			s.conn.out.flush()
		}
	}
}

// fail reports whether it is news.
func (s *redisStore) fail(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return false
	}
	s.broken = err
	s.wake()
	return true
}

func (s *redisStore) wake() {
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
}

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
