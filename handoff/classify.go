package handoff

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/handoff/raw"
	"schload/workload"
)

// Texts of the library and of servers are matched in this file and nowhere
// else; everything that has a type is matched by type.

// replyClasses are the classes of error replies by their first word. Any other
// is a ServerError.
var replyClasses = map[string]workload.Class{
	"LOADING":     workload.Loading,
	"READONLY":    workload.Readonly,
	"CLUSTERDOWN": workload.Clusterdown,
	"MASTERDOWN":  workload.Masterdown,
	"TRYAGAIN":    workload.Tryagain,
	"MOVED":       workload.Redirect,
	"ASK":         workload.Redirect,
	"NOAUTH":      workload.Noauth,
	"WRONGPASS":   workload.Noauth,
	"NOPERM":      workload.Noauth,
}

// Classify returns the class of an operation's error and what it may have done
// to the data. crossing says that the client is handing connections over: what
// looks like a damaged reply then is the client's own doing and a
// CrossedReply.
//
// The effect is that of a command that writes and was tried once. Certain is
// only what never left the client and what the server answered with an error;
// a command that was sent and not answered may have been executed.
func Classify(err error, crossing bool) (workload.Class, workload.Effect) {
	if err == nil {
		return workload.OK, workload.Applied
	}
	if class, ok := damaged(err, crossing); ok {
		return class, workload.Indeterminate
	}
	for _, c := range causes {
		if c.is(err) {
			return c.class, c.effect
		}
	}
	return workload.Other, workload.Indeterminate
}

// causes are tried in order: a dial's timeout is a timeout too, and what a
// server said beats how it arrived.
var causes = []struct {
	is     func(error) bool
	class  workload.Class
	effect workload.Effect
}{
	{is(redis.TxFailedErr), workload.Conflict, workload.NotApplied}, // the library makes a reply of it
	{isReply(workload.Loading), workload.Loading, workload.NotApplied},
	{isReply(workload.Readonly), workload.Readonly, workload.NotApplied},
	{isReply(workload.Clusterdown), workload.Clusterdown, workload.NotApplied},
	{isReply(workload.Masterdown), workload.Masterdown, workload.NotApplied},
	{isReply(workload.Tryagain), workload.Tryagain, workload.NotApplied},
	{isReply(workload.Redirect), workload.Redirect, workload.NotApplied},
	{isReply(workload.Noauth), workload.Noauth, workload.NotApplied},
	{isReply(workload.ServerError), workload.ServerError, workload.NotApplied},
	{is(redis.ErrPoolTimeout), workload.PoolTimeout, workload.NotApplied},
	{is(redis.ErrPoolExhausted), workload.PoolExhausted, workload.NotApplied},
	{is(redis.ErrClosed), workload.Canceled, workload.NotApplied},
	{is(raw.ErrClosed), workload.Canceled, workload.NotApplied},
	{isDial(workload.DialRefused), workload.DialRefused, workload.NotApplied},
	{isDial(workload.DialTimeout), workload.DialTimeout, workload.NotApplied},
	{isDial(workload.DialOther), workload.DialOther, workload.NotApplied},
	{is(context.Canceled), workload.Canceled, workload.Indeterminate},
	{is(context.DeadlineExceeded), workload.Canceled, workload.Indeterminate}, // the run's; I/O has os.ErrDeadlineExceeded
	{is(io.EOF), workload.EOF, workload.Indeterminate},
	{is(io.ErrUnexpectedEOF), workload.EOF, workload.Indeterminate},
	{is(syscall.ECONNRESET), workload.Reset, workload.Indeterminate},
	{is(syscall.EPIPE), workload.Reset, workload.Indeterminate},
	{is(syscall.ECONNABORTED), workload.Reset, workload.Indeterminate},
	{isTimeout("write"), workload.WriteTimeout, workload.Indeterminate},
	{isTimeout(""), workload.ReadTimeout, workload.Indeterminate},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// isReply matches error replies of a class.
func isReply(class workload.Class) func(error) bool {
	return func(err error) bool {
		reply, ok := errors.AsType[redis.Error](err)
		return ok && replyClass(reply.Error()) == class
	}
}

// isNoScript matches what a server says to EVALSHA of a script it does not have.
func isNoScript(err error) bool { return redis.HasErrorPrefix(err, "NOSCRIPT") }

func replyClass(text string) workload.Class {
	word, _, _ := strings.Cut(strings.TrimPrefix(text, "ERR "), " ")
	if class, ok := replyClasses[word]; ok {
		return class
	}
	return workload.ServerError
}

// isTimeout matches I/O timeouts of one direction, or of any.
func isTimeout(op string) func(error) bool {
	return func(err error) bool {
		if e, ok := errors.AsType[*net.OpError](err); ok && op != "" && e.Op != op {
			return false
		} else if !ok && op != "" {
			return false
		}
		e, ok := errors.AsType[net.Error](err)
		return ok && e.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)
	}
}

// damaged finds replies that no server sends in answer to the command: the
// signs of a connection that two users wrote to. Outside a handoff an
// unreadable reply is the server's (WrongReply) and the rest has other causes.
func damaged(err error, crossing bool) (workload.Class, bool) {
	text := err.Error()
	switch {
	case unreadable(text), errors.Is(err, raw.ErrUnreadable):
		if crossing {
			return workload.CrossedReply, true
		}
		return workload.WrongReply, true
	case !crossing:
		return 0, false
	case errors.Is(err, io.ErrShortWrite), errors.Is(err, net.ErrClosed):
		return workload.CrossedReply, true
	}
	reply, ok := errors.AsType[redis.Error](err)
	return workload.CrossedReply, ok && garbled(strings.ToLower(reply.Error()))
}

// garbled matches what a server says to the library's own handshake command,
// when that is answered to an operation, and to bytes that two goroutines mixed
// in one buffer: commands that nobody wrote. (What a workload asks for is known
// to every server, or fails outside handoffs, too.)
func garbled(text string) bool {
	for _, prefix := range []string{"err protocol error", "err unknown command", "err wrong number of arguments", "err syntax error"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return strings.Contains(text, "unknown subcommand") && (strings.Contains(text, "setinfo") || strings.Contains(text, "maint_notifications"))
}

// unreadable matches what the library says about bytes that are no reply, or
// none of the wanted type.
func unreadable(text string) bool {
	for _, prefix := range []string{
		"redis: can't parse", "redis: invalid reply", "redis: invalid line", "redis: got ", "redis: expected '",
		"redis: can't peek", "redis: connection unusable (reply stream desynchronized)",
	} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// dialError is a failed dial. It keeps its cause, by which the library decides
// whether to try again, and marks it as a dial wherever it surfaces.
type dialError struct {
	class workload.Class
	err   error
}

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func isDial(class workload.Class) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*dialError](err)
		return ok && e.class == class
	}
}

// dialClass returns the class of a dial's error.
func dialClass(err error) workload.Class {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return workload.DialRefused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), ok && timeout.Timeout():
		return workload.DialTimeout
	}
	return workload.DialOther
}

// isTLSError reports whether a dial failed for the sake of encryption.
func isTLSError(err error) bool {
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, silent := errors.AsType[errNoTLS](err)
	op, _ := errors.AsType[*net.OpError](err)
	refused := op != nil && op.Op == "remote error" // the server's alert, as crypto/tls tells it: no certificate of ours, or not a good one
	return refused || header || verify || alert || authority || name || silent
}

// The reasons of Close.
const (
	reasonStale         = "stale"          // found dead, idle or too old before use
	reasonOverflow      = "overflow"       // dialled beyond the pool for one command
	reasonHandoff       = "handoff"        // replaced by a connection to the new address
	reasonHandoffFailed = "handoff_failed" // its replacement did not come about
	reasonHandoffTries  = "handoff_tries"  // tries used up
	reasonBreaker       = "breaker"        // the breaker of the new address is open
	reasonQueueFull     = "queue_full"     // more handoffs were waiting than the queue holds
	reasonHook          = "hook"           // taken from the pool while marked to move
	reasonDisabled      = "disabled"       // opted in, and the client fell back to without
	reasonRefused       = "refused"        // the handshake or the opt-in was refused
	reasonTimeout       = "timeout"
	reasonEOF           = "eof"
	reasonReset         = "reset"
	reasonReply         = "reply"       // an error reply that makes the connection useless
	reasonUnreadData    = "unread_data" // something was left to read where nothing may be
	reasonCanceled      = "canceled"
	reasonProbe         = "probe"      // dialled to see whether an address answers again
	reasonNodeGone      = "node_gone"  // its node left the cluster's slot map
	reasonSubscriber    = "subscriber" // a subscriber's, given up for another one
	reasonShutdown      = "shutdown"   // the client was closed
	reasonOther         = "other"
)

// CloseReasons returns every Reason of a Close.
func CloseReasons() []string {
	return []string{reasonStale, reasonOverflow, reasonHandoff, reasonHandoffFailed, reasonHandoffTries, reasonBreaker,
		reasonQueueFull, reasonHook, reasonDisabled, reasonRefused, reasonTimeout, reasonEOF, reasonReset, reasonReply,
		reasonUnreadData, reasonCanceled, reasonProbe, reasonNodeGone, reasonSubscriber, reasonShutdown, reasonOther}
}

// closeTexts are reasons the library gives as a text only.
var closeTexts = map[string]string{
	"stale":                       reasonStale,
	"connection not pooled":       reasonOverflow,
	"unknown":                     reasonUnreadData,
	"hook_error":                  reasonHook,
	"hook requested removal":      reasonHook,
	"maintnotifications_disabled": reasonDisabled,
	"pool_shutdown":               reasonShutdown,
}

// isNoCluster matches what a server without a slot map says, and what the
// library says of an empty one.
func isNoCluster(err error) bool {
	text := err.Error()
	return strings.Contains(text, "cluster support disabled") || strings.Contains(text, "cluster has no nodes") ||
		strings.Contains(text, "unknown command") || strings.Contains(text, "unknown subcommand")
}

// closeReason maps the library's reason for closing to the bounded set.
func closeReason(text string, err error) string {
	if reason, ok := closeTexts[text]; ok {
		return reason
	}
	switch {
	case errors.Is(err, maintnotifications.ErrCircuitBreakerOpen):
		return reasonBreaker
	case errors.Is(err, maintnotifications.ErrMaxHandoffRetriesReached):
		return reasonHandoffTries
	case errors.Is(err, maintnotifications.ErrHandoffQueueFull):
		return reasonQueueFull
	case strings.HasPrefix(text, "failed to enable maintnotifications"), strings.HasPrefix(text, "failed to authenticate"):
		return reasonRefused
	}
	switch class, _ := Classify(err, false); class {
	case workload.ReadTimeout, workload.WriteTimeout:
		return reasonTimeout
	case workload.EOF:
		return reasonEOF
	case workload.Reset:
		return reasonReset
	case workload.WrongReply:
		return reasonUnreadData
	case workload.Canceled:
		return reasonCanceled
	}
	if _, ok := errors.AsType[redis.Error](err); ok {
		return reasonReply
	}
	return reasonOther
}

// abandoned reports whether a connection was closed because its handoff was
// given up.
func abandoned(reason string) bool {
	return reason == reasonHandoffTries || reason == reasonBreaker || reason == reasonQueueFull
}
