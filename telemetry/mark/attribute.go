package mark

import (
	"fmt"
	"math"
	"time"
)

// The names of the log events by which a run's timeline is exported, and with
// its metrics the whole of its bundle.
const (
	EventMark    = "schload.mark"    // a mark
	EventRun     = "schload.run"     // the run begins; the body is run.json
	EventReading = "schload.reading" // an interval was read; the body is a record.Reading
	EventEnd     = "schload.end"     // the run has ended; the body is run.json as it stays
)

// The attributes that every event has, and those of EventEnd.
const (
	AttrNumber = "schload.event.number" // of the event within the run, from 1, without a gap
	AttrLost   = "schload.event.lost"   // events that are missing because too many waited to be sent
)

// Attribute is a field of a mark as an event has it: the value is a string or
// an int64.
type Attribute struct {
	Key   string
	Value any
}

// Field is one field of a mark besides At, which is the event's time.
type Field struct {
	Key         string // of the attribute
	Description string
	text        func(*Mark) *string
	number      func(*Mark) number
}

// number is a field that holds a number.
type number struct {
	value int64
	set   bool
	store func(int64)
}

// Fields is the one list of the fields that events carry.
var Fields = []Field{
	{"schload.mark.kind", "what sort of fact it is", func(m *Mark) *string { return (*string)(&m.Kind) }, nil},
	{"schload.mark.name", "which one, as the kind says", func(m *Mark) *string { return &m.Name }, nil},
	{"schload.mark.duration_ns", "how long it lasted, from the event's time on; of a notice the time it announces", nil,
		func(m *Mark) number {
			return number{int64(m.Duration), m.Duration != 0, func(n int64) { m.Duration = time.Duration(n) }}
		}},
	{"schload.round", "the round, from 1", nil,
		func(m *Mark) number { return number{int64(m.Round), m.Round != 0, func(n int64) { m.Round = int(n) }} }},
	{"schload.mark.source", "who says so: sim, stage, arm, harness, notices", func(m *Mark) *string { return &m.Source }, nil},
	{"schload.mark.worker", "of a merged run, whose mark it is", func(m *Mark) *string { return &m.Worker }, nil},
	{"schload.arm", "the arm", func(m *Mark) *string { return &m.Arm }, nil},
	{"pool", "the worker pool", func(m *Mark) *string { return &m.Pool }, nil},
	{"slots", "a range of hash slots, 0-1023", func(m *Mark) *string { return &m.Slots }, nil},
	{"schload.mark.connection", "number of the connection within the arm, from 1", nil, func(m *Mark) number { return unsigned(&m.Conn) }},
	{"node", "host:port of the far end", func(m *Mark) *string { return &m.Node }, nil},
	{"schload.mark.sequence", "sequence id of a notice; 0 is one", nil, sequence},
	{"schload.mark.count", "so many of the next", nil, func(m *Mark) number { return unsigned(&m.Count) }},
	{"schload.mark.of", "of so many", nil, func(m *Mark) number { return unsigned(&m.Of) }},
	{"schload.mark.detail", "the fact in words, secrets hidden", func(m *Mark) *string { return &m.Detail }, nil},
	{"schload.mark.origin", "of the number behind a step: measured, documented, test, assumption", func(m *Mark) *string { return &m.Origin }, nil},
}

func unsigned(to *uint64) number {
	return number{int64(min(*to, math.MaxInt64)), *to != 0, func(n int64) { *to = uint64(n) }}
}

func sequence(m *Mark) number {
	n := number{store: func(n int64) { m.Seq = &n }}
	if m.Seq != nil {
		n.value, n.set = *m.Seq, true
	}
	return n
}

// Attributes returns the fields that apply, in the order of Fields.
func (m Mark) Attributes() (list []Attribute) {
	for _, f := range Fields {
		if f.text != nil {
			if text := *f.text(&m); text != "" {
				list = append(list, Attribute{f.Key, text})
			}
			continue
		}
		if n := f.number(&m); n.set {
			list = append(list, Attribute{f.Key, n.value})
		}
	}
	return list
}

// FromAttributes is the inverse of Attributes. Attributes of other names are
// left out.
func FromAttributes(at time.Duration, list []Attribute) (Mark, error) {
	m := Mark{At: at}
	for _, a := range list {
		for _, f := range Fields {
			if f.Key != a.Key {
				continue
			}
			if err := f.store(&m, a.Value); err != nil {
				return Mark{}, err
			}
		}
	}
	if m.Kind == "" {
		return Mark{}, fmt.Errorf("a mark without %s", Fields[0].Key)
	}
	return m, nil
}

func (f Field) store(m *Mark, value any) error {
	if f.text != nil {
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s is %v, want text", f.Key, value)
		}
		*f.text(m) = text
		return nil
	}
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("%s is %v, want a whole number", f.Key, value)
	}
	f.number(m).store(n)
	return nil
}
