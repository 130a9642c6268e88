package handoff

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/internal/memnet"
	"schload/telemetry/mark"
	"schload/workload"
)

// server is a small scripted Redis: it negotiates as told, keeps strings, and
// pushes what a test wants.
type server struct {
	addr string

	// Set before the first connection, or under lock.
	helloError string                                        // reply to HELLO instead of the map
	optIn      string                                        // reply to the opt-in, default +OK
	password   string                                        // wanted by HELLO ... AUTH
	hook       func(s *served, args []string) (string, bool) // answers instead of the server

	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[*served]bool
	data     map[string]string
	optIns   int // opt-ins received
	accepted int
	delay    time.Duration // of every reply but those of the handshake
}

type served struct {
	net.Conn
	srv     *server
	queued  [][]string // of a transaction, nil outside of one
	write   sync.Mutex
	opted   bool
	proto   int
	allowed bool
}

func startServer(t *testing.T, l net.Listener, err error) *server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), listener: l, conns: make(map[*served]bool), data: make(map[string]string)}
	s.wg.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		c := &served{Conn: conn, srv: s, proto: 2}
		s.mu.Lock()
		s.conns[c] = true
		s.accepted++
		s.mu.Unlock()
		s.wg.Go(c.serve)
	}
}

func (s *server) stop() {
	_ = s.listener.Close()
	s.each(func(c *served) { _ = c.Close() })
	s.wg.Wait()
}

func (s *server) each(do func(*served)) {
	s.mu.Lock()
	conns := make([]*served, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}

// push sends a notice to every connection that opted in.
func (s *server) push(n notice.Notice) {
	s.each(func(c *served) {
		if c.opted {
			c.reply(string(n.Append(nil)))
		}
	})
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *server) setDelay(d time.Duration) {
	s.mu.Lock()
	s.delay = d
	s.mu.Unlock()
}

func (s *server) optInCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.optIns
}

// closeAll ends every connection, with a reset or in an orderly way.
func (s *server) closeAll(reset bool) {
	s.each(func(c *served) {
		if reset {
			_ = c.Conn.(interface{ SetLinger(int) error }).SetLinger(0)
		}
		_ = c.Close()
	})
}

func (c *served) reply(text string) {
	c.write.Lock()
	defer c.write.Unlock()
	_, _ = io.WriteString(c.Conn, text)
}

func (c *served) serve() {
	defer func() {
		_ = c.Close()
		c.srv.mu.Lock()
		delete(c.srv.conns, c)
		c.srv.mu.Unlock()
	}()
	r := bufio.NewReader(c.Conn)
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		c.answer(args)
	}
}

func (c *served) answer(args []string) {
	s := c.srv
	s.mu.Lock()
	hook, delay := s.hook, s.delay
	s.mu.Unlock()
	if hook != nil {
		if reply, ok := hook(c, args); ok {
			c.reply(reply)
			return
		}
	}
	switch strings.ToLower(args[0]) {
	case "hello", "client", "auth", "select":
		c.reply(c.negotiate(args))
		return
	}
	if delay > 0 {
		<-time.After(delay) // in bubbles; TestTLS, outside, has none
	}
	if reply, ok := c.queue(args); ok {
		c.reply(reply)
		return
	}
	c.reply(c.execute(args))
}

func (c *served) negotiate(args []string) string {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	switch strings.ToLower(args[0]) {
	case "hello":
		return c.hello(args)
	case "auth":
		if args[len(args)-1] != s.password {
			return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		}
		c.allowed = true
		return "+OK\r\n"
	case "select":
		return "+OK\r\n"
	}
	if strings.EqualFold(args[1], "maint_notifications") {
		s.optIns++
		reply := cmp.Or(s.optIn, "+OK")
		c.opted = reply == "+OK"
		return reply + "\r\n"
	}
	return "-ERR unknown subcommand '" + args[1] + "'. Try CLIENT HELP.\r\n"
}

func (c *served) hello(args []string) string {
	s := c.srv
	if s.helloError != "" {
		return "-" + s.helloError + "\r\n"
	}
	if s.password != "" {
		switch {
		case len(args) < 5:
			return "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used\r\n"
		case args[4] != s.password:
			return "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
		}
		c.allowed = true
	}
	c.proto, _ = strconv.Atoi(args[1])
	head := "%7"
	if c.proto == 2 {
		head = "*14"
	}
	return head + "\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.0.2\r\n$5\r\nproto\r\n:" + args[1] +
		"\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
}

func (c *served) execute(args []string) string {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.password != "" && !c.allowed {
		return "-NOAUTH Authentication required.\r\n"
	}
	switch strings.ToLower(args[0]) {
	case "ping":
		return "+PONG\r\n"
	case "echo":
		return bulkReply(args[1])
	case "set":
		s.data[args[1]] = args[2]
		return "+OK\r\n"
	case "get", "hget", "rpop":
		if v, ok := s.data[args[1]]; ok {
			return bulkReply(v)
		}
		if c.proto == 3 {
			return "_\r\n"
		}
		return "$-1\r\n"
	case "hset", "lpush":
		s.data[args[1]] = args[len(args)-1]
		return ":1\r\n"
	}
	if reply, ok := c.breadth(args); ok {
		return reply
	}
	return ":1\r\n"
}

func bulkReply(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readCount(r, '*')
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := readCount(r, '$')
		if err != nil {
			return nil, err
		}
		body := make([]byte, size+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		args[i] = string(body[:size])
	}
	return args, nil
}

func readCount(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("want %c, got %q", kind, line)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// world is what most tests begin with: a network and a server on it.
type world struct {
	*testing.T
	net   *memnet.Network
	main  *server
	mu    sync.Mutex
	marks []mark.Mark
}

const (
	mainAddr = "127.0.0.1:6379"
	nextAddr = "127.0.0.2:6379"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, net: memnet.New()}
	w.main = w.listen(mainAddr)
	return w
}

func (w *world) listen(addr string) *server {
	w.Helper()
	l, err := w.net.Listen("tcp", addr)
	return startServer(w.T, l, err)
}

// config is a client of the world; tests change what they are about.
func (w *world) config(arm string) Config {
	w.Helper()
	a, err := ParseArm(arm)
	if err != nil {
		w.Fatal(err)
	}
	return Config{Arm: a, Target: mustTarget(w.T, "redis://"+mainAddr), Workers: 4, Base: time.Now(), Dial: w.net.Dial, Marks: w.mark}
}

func mustTarget(t *testing.T, text string) Target {
	t.Helper()
	target, err := ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func (w *world) mark(m mark.Mark) {
	w.mu.Lock()
	w.marks = append(w.marks, m)
	w.mu.Unlock()
}

func (w *world) marked(kind mark.Kind) []mark.Mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []mark.Mark
	for _, m := range w.marks {
		if m.Kind == kind {
			found = append(found, m)
		}
	}
	return found
}

// open opens a client that is closed with the test.
func (w *world) open(c Config) *Client {
	w.Helper()
	client, err := Open(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := client.Close(); err != nil {
			w.Error(err)
		}
		time.Sleep(2 * time.Second) // the library looks up from a probe of an address it could not dial once a second
	})
	return client
}

// do runs one operation.
func do(t *testing.T, c *Client, ops ...workload.Operation) []workload.Outcome {
	t.Helper()
	outcomes := make([]workload.Outcome, len(ops))
	c.Do(context.Background(), ops, outcomes)
	return outcomes
}

func get(key string) workload.Operation { return workload.Operation{Command: "GET", Key: key} }
func set(key string) workload.Operation {
	return workload.Operation{Command: "SET", Key: key, Value: []byte(key + "|value")}
}
