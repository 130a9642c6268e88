package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is a kind of fault that can be injected: something a database, or the
// network in front of it, does that it must not do. They exist to prove that
// whoever looks for such faults finds them, all of them and nothing else.
type Fault uint8

// The faults. Those of data need the in-process store.
const (
	// WrongReply answers a GET or HGET with a value of another key.
	WrongReply Fault = iota
	// StaleRead answers a GET or HGET with the value before the last
	// acknowledged write of the key.
	StaleRead
	// LostWrite acknowledges a write and undoes it at once. Default commands:
	// those whose next use shows it (SET, DEL, INCR, LPUSH, SADD and more).
	LostWrite
	// Duplicate applies a write twice and replies to the second.
	Duplicate
	// HiddenDuplicate applies a write twice and replies to the first: only
	// what comes after it shows.
	HiddenDuplicate
	// OutOfOrder applies a write and refuses it with an error, lets one read
	// see it, and answers the next one with the value before. It is counted
	// when that is done.
	OutOfOrder

	// Outage runs no command of any connection for as long as it lasts. What
	// arrives meanwhile runs at its end.
	Outage
	// Refusal refuses connections at every node for as long as it lasts; those
	// there are stay.
	Refusal
	// Hangup closes a connection in an orderly way, without notice.
	Hangup
	// Straggler keeps maintenance notices from a connection, from the first
	// that is due to it: for good, or each for as long as it lasts.
	Straggler

	// DroppedMessage does not deliver a published message to one subscriber.
	DroppedMessage
	// DoubledMessage delivers a message twice to one subscriber.
	DoubledMessage
	// SwappedMessages delivers two messages of a channel to one subscriber in
	// the wrong order.
	SwappedMessages
	faults
)

var faultNames = [faults]string{
	"wrong_reply", "stale_read", "lost_write", "duplicate", "hidden_duplicate", "out_of_order",
	"outage", "refusal", "hangup", "straggler", "dropped_message", "doubled_message", "swapped_messages",
}

// FaultKinds are the names of the faults.
func FaultKinds() []string { return faultNames[:] }

// String returns the fault as flags and files spell it.
func (f Fault) String() string {
	if f >= faults {
		return fmt.Sprintf("fault(%d)", uint8(f))
	}
	return faultNames[f]
}

// MarshalText implements encoding.TextMarshaler.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Fault) UnmarshalText(text []byte) error {
	i := slices.Index(faultNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown fault %.40q: want one of %s", text, strings.Join(faultNames[:], ", "))
	}
	*f = Fault(i)
	return nil
}

// OfData reports whether the fault is one of what is stored.
func (f Fault) OfData() bool { return f <= OutOfOrder }

// timed reports whether the fault happens at its instant, whatever clients do.
func (f Fault) timed() bool { return f == Outage || f == Refusal || f == Hangup }

// lasts reports whether the fault must have a length.
func (f Fault) lasts() bool { return f == Outage || f == Refusal }

// Injection orders a number of faults of one kind. Each has an instant and is
// done to the first operation, connection or message from then on to which it
// can be done so that somebody can tell: a stale read needs a value before, a
// duplicate a number that was known. It is therefore possible that fewer are
// done than were ordered, never more.
type Injection struct {
	Fault Fault
	Count int           // 1 to 10000
	From  time.Duration // the first instant, since the order was given
	Every time.Duration // between instants; 0: all at the first

	// Lasts is how long an Outage or Refusal lasts, and how late a Straggler is
	// told (0: never). The others have no length.
	Lasts time.Duration

	// Key and Not restrict faults of data to keys, and those of messages to
	// channels, that contain Key and do not contain Not. Empty: all.
	Key, Not string

	// Commands restrict faults of data further, to commands among those the
	// fault can be done to. Empty: its default.
	Commands []string
}

// mostInjected bounds the faults of an injection, and with them the account.
const mostInjected = 10000

// When a fault of which only the number is given happens.
const (
	injectEvery = 100 * time.Millisecond // operations, messages, connections
	outageEvery = 10 * time.Second       // of outages and refusals
	outageLasts = time.Second
)

// ParseInjection reads KIND=COUNT[@FROM][/EVERY][~LASTS], such as stale_read=7
// or outage=2@5s/20s~3s. By default the first comes at once, and the others
// every 100 ms; outages last one second and come every ten.
func ParseInjection(text string) (Injection, error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok {
		return Injection{}, fmt.Errorf("inject %.60q: want KIND=COUNT[@FROM][/EVERY][~LASTS], such as stale_read=7", text)
	}
	var i Injection
	if err := i.Fault.UnmarshalText([]byte(name)); err != nil {
		return i, fmt.Errorf("inject: %w", err)
	}
	i.Every = injectEvery
	if i.Fault.lasts() {
		i.Every, i.Lasts = outageEvery, outageLasts
	}
	for _, part := range []struct {
		mark string
		into *time.Duration
	}{{"~", &i.Lasts}, {"/", &i.Every}, {"@", &i.From}} {
		before, after, given := strings.Cut(rest, part.mark)
		if !given {
			continue
		}
		d, err := time.ParseDuration(after)
		if err != nil {
			return i, fmt.Errorf("inject %.60q: %.40q after %s is no time such as 500ms", text, after, part.mark)
		}
		rest, *part.into = before, d
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return i, fmt.Errorf("inject %.60q: count %.40q: want 1 to %d", text, rest, mostInjected)
	}
	i.Count = n
	return i, i.validate(Config{})
}

// String is the injection as ParseInjection reads it.
func (i Injection) String() string {
	text := fmt.Sprintf("%s=%d@%v/%v", i.Fault, i.Count, i.From, i.Every)
	if i.Lasts > 0 {
		text += "~" + i.Lasts.String()
	}
	return text
}

func (i Injection) validate(c Config) error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("inject %s: "+format, append([]any{i.Fault}, args...)...))
	}
	if i.Fault >= faults {
		fault("want one of %s", strings.Join(faultNames[:], ", "))
		return errors.Join(errs...)
	}
	if i.Count < 1 || i.Count > mostInjected {
		fault("count %d: want 1 to %d", i.Count, mostInjected)
	}
	if i.From < 0 || i.Every < 0 || i.Lasts < 0 {
		fault("from %v, every %v, lasts %v: want times of 0 or more", i.From, i.Every, i.Lasts)
	}
	switch {
	case i.Fault.lasts() && (i.Lasts == 0 || i.Count > 1 && i.Every <= i.Lasts):
		fault("lasts %v, every %v: want it to last, and the next one to begin later than it ends", i.Lasts, i.Every)
	case !i.Fault.lasts() && i.Fault != Straggler && i.Lasts > 0:
		fault("lasts %v: it has no length", i.Lasts)
	}
	if i.Fault.OfData() && len(c.Shards) > 0 {
		fault("only the in-process store can be made to break its word: leave out the shards")
	}
	if able := injectable[i.Fault]; len(able) > 0 {
		for _, name := range i.Commands {
			if !slices.Contains(able, strings.ToUpper(name)) {
				fault("command %.40q: want some of %s", name, strings.Join(able, ", "))
			}
		}
	} else if len(i.Commands) > 0 {
		fault("it is done to no command: leave them out")
	}
	return errors.Join(errs...)
}

// injectable are the commands that a fault of data can be done to.
var injectable = map[Fault][]string{
	WrongReply:      {"GET", "HGET"},
	StaleRead:       {"GET", "HGET"},
	LostWrite:       {"SET", "DEL", "INCR", "INCRBY", "LPUSH", "RPUSH", "SADD", "ZADD", "ZINCRBY", "HINCRBY", "XADD", "HSET", "RPOP", "LPOP", "SREM", "ZREM"},
	Duplicate:       {"INCR", "INCRBY", "LPUSH", "RPUSH", "SADD", "ZADD", "ZINCRBY", "HINCRBY", "XADD", "APPEND"},
	HiddenDuplicate: {"INCR", "INCRBY", "LPUSH", "RPUSH", "ZINCRBY", "HINCRBY", "XADD", "APPEND", "ZADD"},
	OutOfOrder:      {"SET", "HSET"},
}

// unseen are the commands to which a loss is done only when they are named: a
// next HSET covers it before anybody looks, and a removal that is undone looks
// like an addition made twice.
var unseen = []string{"HSET", "RPOP", "LPOP", "SREM", "ZREM"}

// does reports whether the fault can be done to a command.
func (i *Injection) does(name string) bool {
	if len(i.Commands) > 0 {
		return slices.ContainsFunc(i.Commands, func(c string) bool { return strings.EqualFold(c, name) })
	}
	return slices.Contains(injectable[i.Fault], name) && !(i.Fault == LostWrite && slices.Contains(unseen, name))
}

// concerns reports whether a key or channel is among those the injection is
// restricted to.
func (i *Injection) concerns(key string) bool {
	return strings.Contains(key, i.Key) && (i.Not == "" || !strings.Contains(key, i.Not))
}

// Inject orders faults from now on. Until the first order nothing is watched
// for, and nothing costs anything. It returns an error, and orders nothing, if
// one of the injections cannot be done.
func (s *Simulator) Inject(injections ...Injection) error {
	var errs []error
	for _, i := range injections {
		errs = append(errs, i.validate(s.config))
	}
	if err := errors.Join(errs...); err != nil || len(injections) == 0 {
		return err
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	in := s.injector.Load()
	if in == nil {
		in = newInjector(s)
		s.injector.Store(in)
	}
	now := time.Since(s.config.Base)
	for _, i := range injections {
		s.account.injected.Ordered = append(s.account.injected.Ordered, i)
		in.order(i, now)
	}
	return nil
}

// CallOff takes back the faults that have not been done, and ends those that
// last. The account stays.
func (s *Simulator) CallOff() {
	if in := s.injector.Swap(nil); in != nil {
		in.end()
	}
}

// Calm holds faults of data back, or lets them happen again: somebody reads
// back what is stored, and takes it for the truth. Those that fall due
// meanwhile are done later.
func (s *Simulator) Calm(on bool) { s.calm.Store(on) }

// Injections returns what was ordered so far, as ParseInjection reads it, and
// how many faults were done by kind, 0 included.
func (s *Simulator) Injections() (ordered []string, done map[string]int) {
	done = map[string]int{}
	account := s.Injected()
	for _, i := range account.Ordered {
		ordered = append(ordered, i.String())
		done[i.Fault.String()] = account.Count(i.Fault)
	}
	return ordered, done
}

// Injected returns what was ordered and done so far. It is the truth against
// which a measurement can be held.
func (s *Simulator) Injected() Injected {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	return Injected{Ordered: slices.Clone(s.account.injected.Ordered), Done: slices.Clone(s.account.injected.Done)}
}

// Injected is the account of injected faults.
type Injected struct {
	Ordered []Injection
	Done    []Injury // in the order they were done
}

// Injury is one fault that was done.
type Injury struct {
	Fault   Fault
	At      time.Duration // since the run's base instant
	Lasts   time.Duration // of an outage, a refusal, or of what a straggler was told late
	Client  string        // host:port of the client's end; empty if it concerns all
	Node    string        // host:port of the node; empty if it concerns all
	Command string        // of data
	Key     string        // of data; of a message its channel
	Detail  string        // for people
}

// Count is how many faults of a kind were done.
func (i Injected) Count(f Fault) int {
	n := 0
	for _, one := range i.Done {
		if one.Fault == f {
			n++
		}
	}
	return n
}

// Short is how many faults of a kind were ordered and not done, or not yet.
func (i Injected) Short(f Fault) int {
	n := -i.Count(f)
	for _, order := range i.Ordered {
		if order.Fault == f {
			n += order.Count
		}
	}
	return n
}
