package sim

import (
	"net"
	"strconv"
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
	loose  atomic.Bool // see loosen
	open   bool        // loose for good: MONITOR

	mu      sync.Mutex
	slots   []slot        // of replies to come, in the order of the commands
	next    int           // the first slot that is not filled
	early   [][][]byte    // by shard: replies that came before their turn
	held    int           // bytes of them
	topics  [2]int        // of a loose connection, plain and sharded
	waiting chan struct{} // closed when settled, or the store is broken
	broken  error
}

// line is a connection to one shard.
type line struct {
	shard   int
	net     net.Conn
	replies *resp.Replies
	out     []byte        // commands that were not sent yet
	until   time.Time     // the write deadline, as the connection knows it
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

func (s *redisStore) run(req resp.Request, cmd command) error {
	if req.Raw[0] != '*' { // typed by hand: not every store reads that
		req.Raw = resp.AppendRequest(nil, req.Args...)
	}
	if s.loose.Load() && cmd.kind != cmdSubscribe {
		if err := s.settle(); err != nil {
			return err
		}
	}
	r := s.router.route(req.Args, cmd)
	if s.loose.Load() {
		r = route{shard: 0} // Redis will say what it takes from a subscriber
	}
	if r.shard == nowhere {
		return s.conn.say([]byte(r.local))
	}
	if err := s.conn.pass(r.shard); err != nil {
		return err
	}
	if s.conn.refuses(r.shard, cmd) {
		return s.conn.say(replyLoading)
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
		return s.loosen(l, req.Raw, true)
	}
	return s.send(l, req.Raw, relay)
}

// subscribe sends a command whose confirmations are pushes, one per channel,
// in RESP3; only a refusal is a reply. A PING behind it tells when it is over.
// In RESP2 confirmations and messages look like replies.
func (s *redisStore) subscribe(l *line, req resp.Request) error {
	if s.conn.protocol == 2 {
		return s.loosen(l, req.Raw, false)
	}
	if s.conn.inMulti {
		return s.send(l, req.Raw, relay)
	}
	l.out = append(l.out, req.Raw...)
	return s.send(l, resp.AppendRequest(nil, "PING", token), confirm)
}

// discard tells the shard that knows of the transaction, and swallows what it
// says.
func (s *redisStore) discard() error {
	r := s.router.route([][]byte{[]byte("DISCARD")}, command{name: "DISCARD", kind: cmdDiscard})
	if r.shard == nowhere {
		return nil
	}
	l, err := s.line(r.shard)
	if err != nil {
		return nil // and with the shard the transaction is gone
	}
	what := "DISCARD"
	if r.before != "" {
		what = r.before
	}
	return s.send(l, resp.AppendRequest(nil, what), swallow)
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
	l.extend()
	_, err := l.net.Write(l.out)
	l.out = l.out[:0]
	if cap(l.out) > keepBuffer {
		l.out = nil
	}
	return err
}

// extend moves the write deadline, as seldom as that of an outbox.
func (l *line) extend() {
	if now := time.Now(); l.until.Sub(now) < writeTimeout/2 {
		l.until = now.Add(writeTimeout)
		l.net.SetWriteDeadline(l.until)
	}
}

// settle also ends when the connection does.
func (s *redisStore) settle() error {
	if s.loose.Load() {
		return s.tighten()
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.mu.Lock()
	for s.next < len(s.slots) && s.broken == nil {
		if err := s.wait(); err != nil {
			return err
		}
	}
	defer s.mu.Unlock()
	return s.broken
}

// wait waits for the next wake. It is called with the lock held and returns
// with it held, unless there is an error.
func (s *redisStore) wait() error {
	s.waiting = make(chan struct{})
	waiting := s.waiting
	s.mu.Unlock()
	s.conn.out.flush()
	select {
	case <-waiting:
		s.mu.Lock()
		return nil
	case <-s.conn.gone:
		return errEnd
	}
}

// speak is called when nothing is in flight.
func (s *redisStore) speak(protocol int) error {
	if s.loose.Load() {
		return errSubscribed
	}
	for _, l := range s.lines {
		if l != nil {
			if err := s.send(l, resp.AppendRequest(nil, "HELLO", strconv.Itoa(protocol)), swallow); err != nil {
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
	s.open = false
	s.slots, s.next, s.held, s.topics, s.waiting, s.broken = nil, 0, 0, [2]int{}, nil, nil
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
		if resp.IsPush(frame) {
			s.conn.deliver(frame) // it must not hold up the publisher
			continue
		}
		if s.loose.Load() {
			s.overhear(frame)
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
