package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// attrInstance tells workers of one run apart.
const attrInstance = "service.instance.id"

// runEvents are the log events of one run.
type runEvents struct {
	instance string
	by       map[int64]*logspb.LogRecord // by number
}

// eventsOf gathers the log events of all runs in the files.
func eventsOf(paths []string) (map[string]*runEvents, error) {
	runs := map[string]*runEvents{}
	for _, path := range paths {
		err := exportedLines(path, func(line []byte) error {
			data, err := logsOf(line)
			if err != nil || data == nil {
				return err
			}
			for _, rl := range data.GetResourceLogs() {
				if err := addEvents(runs, rl); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return runs, nil
}

func addEvents(runs map[string]*runEvents, rl *logspb.ResourceLogs) error {
	attrs := rl.GetResource().GetAttributes()
	run, instance := value(attrs, attrRun), value(attrs, attrInstance)
	for _, sl := range rl.GetScopeLogs() {
		for _, r := range sl.GetLogRecords() {
			if run == "" || !strings.HasPrefix(r.GetEventName(), "schload.") {
				continue // another's
			}
			if runs[run] == nil {
				runs[run] = &runEvents{instance: instance, by: map[int64]*logspb.LogRecord{}}
			}
			if err := runs[run].add(instance, r); err != nil {
				return fmt.Errorf("run %s: event %s: %w", run, r.GetEventName(), err)
			}
		}
	}
	return nil
}

// add files an event; one that arrived twice is the same.
func (e *runEvents) add(instance string, r *logspb.LogRecord) error {
	number := integerOf(r.GetAttributes(), mark.AttrNumber)
	before := e.by[number]
	switch {
	case instance != e.instance:
		return fmt.Errorf("it is of %s, others are of %s: several workers, whose bundles schload merge adds up", instance, e.instance)
	case number < 1:
		return fmt.Errorf("%s is missing: want 1 or more", mark.AttrNumber)
	case before != nil && (before.GetEventName() != r.GetEventName() || before.GetTimeUnixNano() != r.GetTimeUnixNano()):
		return fmt.Errorf("number %d is taken by another event (%s)", number, before.GetEventName())
	}
	e.by[number] = r
	return nil
}

func integerOf(attrs []*commonpb.KeyValue, key string) int64 {
	for _, a := range attrs {
		if a.GetKey() == key {
			return a.GetValue().GetIntValue()
		}
	}
	return 0
}

// timeline is what the events of a run say.
type exportedTimeline struct {
	run      Run
	marks    []mark.Mark
	readings []record.Reading
}

// errLacking says that a run was not exported whole: it can only be compared by
// its metrics alone.
var errLacking = errors.New("")

func lacking(format string, args ...any) error {
	return fmt.Errorf("%w"+format, append([]any{errLacking}, args...)...)
}

// timeline reads the events in order; none may be missing.
func (e *runEvents) timeline() (t exportedTimeline, err error) {
	last := int64(0)
	for number, r := range e.by {
		if r.GetEventName() == mark.EventEnd {
			last = number
		}
	}
	if last == 0 {
		return t, lacking("the event %s is missing: the run had not ended, or its end was not exported", mark.EventEnd)
	}
	if n := integerOf(e.by[last].GetAttributes(), mark.AttrLost); n > 0 {
		return t, lacking("%d events of the timeline were lost on the way", n)
	}
	for number := int64(1); number <= last; number++ {
		r := e.by[number]
		if r == nil {
			return t, lacking("%d of %d events are missing, number %d is the first", e.holes(last), last, number)
		}
		if err := t.take(r); err != nil {
			return t, fmt.Errorf("event %d, %s: %w", number, r.GetEventName(), err)
		}
	}
	return t, nil
}

func (e *runEvents) holes(last int64) (n int64) {
	for number := int64(1); number <= last; number++ {
		if e.by[number] == nil {
			n++
		}
	}
	return n
}

func (t *exportedTimeline) take(r *logspb.LogRecord) error {
	body := []byte(r.GetBody().GetStringValue())
	var err error
	switch r.GetEventName() {
	case mark.EventRun, mark.EventEnd:
		if t.run, err = decodeRun(body); err != nil {
			return err
		}
		return t.run.validate()
	case mark.EventReading:
		return t.read(body)
	case mark.EventMark:
		at, err := since(t.run.Started, r.GetTimeUnixNano())
		if err != nil {
			return err
		}
		m, err := mark.FromAttributes(at, scalars(r.GetAttributes()))
		if err == nil {
			err = checkMark(m)
		}
		if err != nil {
			return err
		}
		t.marks = append(t.marks, m)
	}
	return nil // a newer schload may have more
}

// read takes a reading, which goes on where the one before ended.
func (t *exportedTimeline) read(body []byte) error {
	var r record.Reading
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&r); err != nil {
		return err
	}
	end := time.Duration(0)
	if n := len(t.readings); n > 0 {
		end = t.readings[n-1].To
	}
	if r.From < end || r.To < r.From || r.At < r.To {
		return fmt.Errorf("a reading from %v to %v, at %v, after one to %v", r.From, r.To, r.At, end)
	}
	t.readings = append(t.readings, r)
	return nil
}

// scalars are the attributes that a mark may have.
func scalars(kvs []*commonpb.KeyValue) (list []mark.Attribute) {
	for _, kv := range kvs {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			list = append(list, mark.Attribute{Key: kv.GetKey(), Value: v.StringValue})
		case *commonpb.AnyValue_IntValue:
			list = append(list, mark.Attribute{Key: kv.GetKey(), Value: v.IntValue})
		}
	}
	return list
}

func sortedRuns[V any](runs map[string]V) []string {
	ids := make([]string, 0, len(runs))
	for id := range runs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
