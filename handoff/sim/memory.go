package sim

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"schload/handoff/sim/resp"
)

// memoryVersion is the Redis version that the in-process store resembles.
const memoryVersion = "8.4.0"

// memory is the in-process store: one shard. Commands run on the goroutine of
// the connection that sent them, without a connection to the store in between.
// One in memory was tried: a round trip took 10 to 12 us instead of 9, and a
// client that does not read held the store's lock, and with it all others.
type memory struct {
	redis   *miniredis.Miniredis
	server  *server.Server
	journal *journal
	aging   sync.Once // starts when something may expire
	stop    chan struct{}
	wg      sync.WaitGroup
}

func newMemory() (*memory, error) {
	m := &memory{redis: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	conn, err := m.redis.Dial() // starts the store without a listener
	if err != nil {
		return nil, err
	}
	m.server = m.redis.Server()
	m.journal = newJournal(m.server)
	return m, conn.Close()
}

func (m *memory) keep(writes int) { m.journal.keep(writes) }

func (m *memory) lose(writes int) (lost int, ok bool) { return m.journal.lose(writes), true }

func (m *memory) count() int      { return 1 }
func (m *memory) version() string { return memoryVersion }

func (m *memory) close() {
	close(m.stop)
	m.wg.Wait()
	m.redis.Close()
}

func (m *memory) open(c *conn) store {
	s := &memoryStore{memory: m, conn: c}
	s.begin(2)
	return s
}

// age makes time pass for keys that expire, a second at a time. The store
// could follow the clock by itself, but would then look at every key before
// every command.
func (m *memory) age() {
	m.aging.Do(func() {
		m.wg.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					m.redis.FastForward(time.Second)
				case <-m.stop:
					return
				}
			}
		})
	})
}

// nudge wakes the commands that block, so that those of closed connections
// end.
func (m *memory) nudge() {
	m.server.Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), []string{"PING"})
}

// memoryStore is one connection's view of the store.
type memoryStore struct {
	*memory
	conn       *conn
	peer       *server.Peer
	sink       *sink
	subscribed atomic.Bool
	elsewhere  bool        // it selected another database than 0
	busy       atomic.Bool // a command runs; whoever runs it flushes
}

func (s *memoryStore) begin(protocol int) {
	s.sink = &sink{store: s}
	s.peer = server.NewPeer(bufio.NewWriter(s.sink))
	s.peer.Resp3 = protocol == 3
	s.subscribed.Store(false)
	s.elsewhere = false
}

func (s *memoryStore) settle() error { return nil }
func (s *memoryStore) flush() error  { return nil }

// speak holds the peer's lock, which messages to subscribers hold too.
func (s *memoryStore) speak(protocol int) error {
	s.peer.Block(func(*server.Writer) { s.peer.Resp3 = protocol == 3 })
	return nil
}

func (s *memoryStore) reset(protocol int) error {
	s.close()
	s.begin(protocol)
	return nil
}

// close ends what the store holds for the connection: subscriptions are
// goroutines of the store.
func (s *memoryStore) close() {
	if !s.subscribed.Load() {
		return
	}
	s.busy.Store(true) // nobody needs to flush any more
	s.server.Dispatch(s.peer, []string{"UNSUBSCRIBE"})
	s.server.Dispatch(s.peer, []string{"PUNSUBSCRIBE"})
}

func (s *memoryStore) run(req resp.Request, cmd command) error {
	if err := s.conn.pass(0); err != nil {
		return err
	}
	if s.conn.refuses(0, cmd) {
		return s.conn.say(replyLoading)
	}
	args := make([]string, len(req.Args)) // the store keeps them
	for i, arg := range req.Args {
		args[i] = string(arg)
	}
	switch cmd.kind {
	case cmdExpiry:
		s.age()
	case cmdConditional:
		if len(args) > 3 {
			s.age()
		}
	case cmdSubscribe:
		s.subscribed.Store(true)
	}
	if cmd.kind == cmdBlocking || cmd.kind == cmdStreamRead && hasBlock(args) {
		if s.journal.on() {
			s.journal.expect(s.journal.keysOf(args, cmd))
		}
		return s.wait(args)
	}
	if s.journal.on() {
		s.journal.write(s.journal.keysOf(args, cmd), func() { s.execute(args, cmd) })
		return nil
	}
	s.execute(args, cmd)
	return nil
}

// execute has a command run, perhaps by who injects faults.
func (s *memoryStore) execute(args []string, cmd command) {
	if strings.EqualFold(args[0], "select") {
		s.elsewhere = len(args) == 2 && args[1] != "0"
	}
	if in := s.conn.sim.injector.Load(); in != nil && in.data.Load().takes(s, args, cmd) {
		return
	}
	s.dispatch(args)
}

// discard drops the reply, whatever messages come beside it.
func (s *memoryStore) discard() error {
	s.peer.Block(func(*server.Writer) { s.sink.drop = true })
	s.dispatch([]string{"DISCARD"})
	return nil
}

func (s *memoryStore) dispatch(args []string) {
	s.busy.Store(true)
	s.server.Dispatch(s.peer, args)
	s.peer.Flush()
	s.busy.Store(false)
}

// wait runs a command that may block, and gives it up when the client goes: an
// element that it took would be lost.
func (s *memoryStore) wait(args []string) error {
	s.conn.out.flush()
	done := make(chan struct{})
	s.conn.started.Go(func() {
		s.dispatch(args)
		s.conn.rouse() // before done: watch takes the deadline back after it
		close(done)
	})
	err := s.conn.watch(done)
	if err != nil {
		s.peer.Close()
		s.nudge()
		<-done
	}
	return err
}

func hasBlock(args []string) bool {
	for _, arg := range args {
		if strings.EqualFold(arg, "block") {
			return true
		}
		if strings.EqualFold(arg, "streams") {
			return false
		}
	}
	return false
}

// sink takes what the store writes, in whatever pieces, and passes on whole
// frames, so that a push never falls into a reply. The peer's lock is held
// during Write.
type sink struct {
	store *memoryStore
	scan  resp.Scanner
	rest  []byte // the beginning of a frame
	at    int    // how much of rest was scanned
	drop  bool   // the next reply goes nowhere
}

func (k *sink) Write(p []byte) (int, error) {
	in := p
	if len(k.rest) > 0 {
		k.rest = append(k.rest, p...)
		in = k.rest
	}
	whole := k.whole(in)
	out := k.store.conn.out
	frames := k.kept(in[:whole])
	if k.store.subscribed.Load() {
		frames = k.store.conn.injure(frames)
	}
	out.add(frames)
	k.rest = append(k.rest[:0], in[whole:]...)
	k.at -= whole
	if !k.store.busy.Load() {
		out.hurry() // a message for a subscriber, between commands
	}
	return len(p), nil
}

// kept is what of whole frames goes to the client.
func (k *sink) kept(frames []byte) []byte {
	const discarded = "+OK\r\n"
	if at := bytes.Index(frames, []byte(discarded)); k.drop && at >= 0 {
		k.drop = false
		return slices.Concat(frames[:at], frames[at+len(discarded):])
	}
	return frames
}

// whole is how many bytes of in are whole frames. It leaves in k.at how far in
// was scanned.
func (k *sink) whole(in []byte) (end int) {
	for k.at < len(in) {
		n, whole, err := k.scan.Scan(in[k.at:])
		if err != nil { // no reply of ours to mend: let the client see it
			k.scan, k.at = resp.Scanner{}, len(in)
			return len(in)
		}
		if n == 0 {
			break
		}
		k.at += n
		if whole {
			end = k.at
		}
	}
	return end
}
