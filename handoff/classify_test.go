package handoff

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/workload"
)

// replyError is an error reply as the library types it.
type replyError string

func (e replyError) Error() string { return string(e) }
func (replyError) RedisError()     {}

func ioError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Err: err}
}

func dialled(err error) error { return &dialError{dialClass(err), err} }

// Every class, by the errors that lead to it; and the same while connections
// are handed over.
func TestClassify(t *testing.T) {
	const not, maybe = workload.NotApplied, workload.Indeterminate
	for _, tt := range []struct {
		err     error
		class   workload.Class
		effect  workload.Effect
		crossed bool // the client's own during a handoff
	}{
		{nil, workload.OK, workload.Applied, false},
		{dialled(ioError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))), workload.DialRefused, not, false},
		{fmt.Errorf("wrapped: %w", dialled(ioError("dial", syscall.ECONNREFUSED))), workload.DialRefused, not, false},
		{dialled(ioError("dial", context.DeadlineExceeded)), workload.DialTimeout, not, false},
		{dialled(ioError("dial", os.ErrDeadlineExceeded)), workload.DialTimeout, not, false},
		{dialled(ioError("dial", &net.DNSError{Err: "no such host", Name: "h"})), workload.DialOther, not, false},
		{dialled(fmt.Errorf("tls: %w", x509.UnknownAuthorityError{})), workload.DialOther, not, false},
		{dialled(ioError("dial", syscall.EHOSTUNREACH)), workload.DialOther, not, false},
		{ioError("read", os.ErrDeadlineExceeded), workload.ReadTimeout, maybe, false},
		{os.ErrDeadlineExceeded, workload.ReadTimeout, maybe, false},
		{ioError("write", os.ErrDeadlineExceeded), workload.WriteTimeout, maybe, false},
		{ioError("read", os.NewSyscallError("read", syscall.ECONNRESET)), workload.Reset, maybe, false},
		{ioError("write", os.NewSyscallError("write", syscall.EPIPE)), workload.Reset, maybe, false},
		{io.EOF, workload.EOF, maybe, false},
		{io.ErrUnexpectedEOF, workload.EOF, maybe, false},
		{redis.ErrPoolTimeout, workload.PoolTimeout, not, false},
		{redis.ErrPoolExhausted, workload.PoolExhausted, not, false},
		{redis.ErrClosed, workload.Canceled, not, false},
		{context.Canceled, workload.Canceled, maybe, false},
		{context.DeadlineExceeded, workload.Canceled, maybe, false},
		{replyError("MOVED 3999 127.0.0.1:6381"), workload.Redirect, not, false},
		{replyError("ASK 3999 127.0.0.1:6381"), workload.Redirect, not, false},
		{replyError("LOADING Redis is loading the dataset in memory"), workload.Loading, not, false},
		{replyError("READONLY You can't write against a read only replica."), workload.Readonly, not, false},
		{replyError("CLUSTERDOWN The cluster is down"), workload.Clusterdown, not, false},
		{replyError("MASTERDOWN Link with MASTER is down"), workload.Masterdown, not, false},
		{replyError("TRYAGAIN Multiple keys request during rehashing of slot"), workload.Tryagain, not, false},
		{replyError("NOAUTH Authentication required."), workload.Noauth, not, false},
		{replyError("WRONGPASS invalid username-password pair"), workload.Noauth, not, false},
		{replyError("NOPERM this user has no permissions"), workload.Noauth, not, false},
		{replyError("OOM command not allowed when used memory > 'maxmemory'."), workload.ServerError, not, false},
		{replyError("ERR max number of clients reached"), workload.ServerError, not, false},
		{fmt.Errorf("wrapped: %w", replyError("ERR LOADING kvrocks says it so")), workload.Loading, not, false},
		{replyError("ERR unknown subcommand 'setinfo'. Try CLIENT HELP."), workload.ServerError, not, true},
		{replyError("ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP."), workload.ServerError, not, true},
		{replyError("ERR unknown subcommand 'other'. Try CLIENT HELP."), workload.ServerError, not, false},
		{replyError("ERR Protocol error: expected CR LF after a bulk of 11 bytes"), workload.ServerError, not, true},
		{replyError("ERR unknown command `g-endpoint-type`, with args beginning with: "), workload.ServerError, not, true},
		{replyError("ERR wrong number of arguments for 'get' command"), workload.ServerError, not, true},
		{errors.New(`redis: can't parse reply="%7" reading string`), workload.WrongReply, maybe, true},
		{errors.New(`redis: invalid reply: "x"`), workload.WrongReply, maybe, true},
		{ioError("read", net.ErrClosed), workload.Other, maybe, true},
		{io.ErrShortWrite, workload.Other, maybe, true},
		{errors.New("redis: connection is not usable"), workload.Other, maybe, false},
	} {
		class, effect := Classify(tt.err, false)
		if class != tt.class || effect != tt.effect {
			t.Errorf("%v: %v, effect %d; want %v, %d", tt.err, class, effect, tt.class, tt.effect)
		}
		want := tt.class
		if tt.crossed {
			want = workload.CrossedReply
		}
		if class, _ := Classify(tt.err, true); class != want {
			t.Errorf("%v during a handoff: %v, want %v", tt.err, class, want)
		}
	}
}

// The same classes by the errors the library really returns.
func TestClassifyReal(t *testing.T) {
	reply := func(text string) func(*served, []string) (string, bool) {
		return func(_ *served, args []string) (string, bool) { return text, args[0] == "get" }
	}
	for _, tt := range []struct {
		want  workload.Class
		hook  func(*served, []string) (string, bool)
		spoil func(*world)
	}{
		{want: workload.Loading, hook: reply("-LOADING Redis is loading the dataset in memory\r\n")},
		{want: workload.Readonly, hook: reply("-READONLY You can't write against a read only replica.\r\n")},
		{want: workload.Redirect, hook: reply("-MOVED 3999 127.0.0.1:6381\r\n")},
		{want: workload.Clusterdown, hook: reply("-CLUSTERDOWN The cluster is down\r\n")},
		{want: workload.Masterdown, hook: reply("-MASTERDOWN Link with MASTER is down\r\n")},
		{want: workload.Tryagain, hook: reply("-TRYAGAIN Multiple keys request\r\n")},
		{want: workload.Noauth, hook: reply("-NOPERM this user has no permissions\r\n")},
		{want: workload.ServerError, hook: reply("-ERR syntax error\r\n")},
		{want: workload.WrongReply, hook: reply("?what\r\n")},
		{want: workload.WrongReply, hook: reply("%1\r\n+a\r\n+b\r\n")},
		{want: workload.ReadTimeout, hook: reply("")},
		{want: workload.EOF, hook: func(s *served, args []string) (string, bool) {
			if args[0] == "get" {
				_ = s.Close()
			}
			return "", args[0] == "get"
		}},
		{want: workload.Reset, spoil: func(w *world) { w.main.closeAll(true) }},
		{want: workload.DialTimeout, spoil: func(w *world) {
			w.main.closeAll(true)
			w.net.Blackhole(mainAddr, true)
		}},
		{want: workload.DialRefused, spoil: func(w *world) {
			_ = w.main.listener.Close()
			w.main.closeAll(true)
		}},
	} {
		t.Run(tt.want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c := w.open(w.config("off-noretry+read_timeout=100ms+dial_timeout=100ms+dial_retries=1"))
				w.main.mu.Lock()
				w.main.hook = tt.hook
				w.main.mu.Unlock()
				if tt.spoil != nil {
					tt.spoil(w)
				}
				classes := use(t, c, 400*time.Millisecond)
				if !slices.Contains(classes, tt.want) {
					t.Errorf("classes %v, want %v", classes, tt.want)
				}
				w.net.Blackhole(mainAddr, false)
			})
		})
	}
}

// Reasons for closing are one of a bounded set.
func TestCloseReason(t *testing.T) {
	for _, tt := range []struct {
		err  error
		text string
		want string
	}{
		{nil, "stale", "stale"},
		{nil, "pool_shutdown", "shutdown"},
		{nil, "hook_error", "hook"},
		{nil, "maintnotifications_disabled", "disabled"},
		{nil, "unknown", "unread_data"},
		{errors.New("connection not pooled"), "", "overflow"},
		{maintnotifications.ErrCircuitBreakerOpen, "", "breaker"},
		{maintnotifications.ErrMaxHandoffRetriesReached, "", "handoff_tries"},
		{maintnotifications.ErrHandoffQueueFull, "", "queue_full"},
		{fmt.Errorf("failed to enable maintnotifications: %w", replyError("ERR unknown subcommand")), "", "refused"},
		{io.EOF, "", "eof"},
		{ioError("read", syscall.ECONNRESET), "", "reset"},
		{ioError("read", os.ErrDeadlineExceeded), "", "timeout"},
		{replyError("READONLY You can't write against a read only replica."), "", "reply"},
		{errors.New(`redis: can't parse reply="6" reading string`), "", "unread_data"},
		{context.Canceled, "", "canceled"},
		{errors.New("something new at 10.0.0.1:4711"), "", "other"},
		{nil, "something new", "other"},
	} {
		text := tt.text
		if tt.err != nil {
			text = tt.err.Error()
		}
		got := closeReason(text, tt.err)
		if got != tt.want || !slices.Contains(CloseReasons(), got) {
			t.Errorf("%q: %q, want %q", text, got, tt.want)
		}
	}
}
