package telemetry

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// crowded is an interval that touches some 300 series of an arm: 10 commands in
// a phase, all outcome classes of each, and a node that has never been before.
func crowded(second int) record.Interval {
	phase := record.Phase(second / pace % record.Phases)
	i := record.Interval{From: time.Duration(second) * time.Second, To: time.Duration(second+pace) * time.Second}
	for c := range 10 {
		name := fmt.Sprint("CMD", c)
		i.Series = append(i.Series, seriesShort("on", name, phase, uint64(c)))
		for class := range workload.Class(workload.Classes) {
			i.Counts = append(i.Counts, record.Count{Name: record.Operations, Arm: "on", Value: 1, Attrs: attrs(record.AttrOperation, name,
				record.AttrOutcome, class.String(), record.AttrPool, "main", record.AttrPhase, phase.String(), record.AttrRound, fmt.Sprint(second/60))})
		}
	}
	for kind := range notice.Kind(notice.Kinds) {
		i.Counts = append(i.Counts, record.Count{Name: record.ClientNotifications, Arm: "on", Value: 1, Attrs: attrs(record.AttrNotice, kind.String())})
	}
	i.Levels = []record.Level{{Name: record.Connections, Arm: "on", Value: 8, Attrs: attrs(record.AttrNode, fmt.Sprintf("10.%d.%d.%d:6379", second>>16, second>>8&255, second&255))}}
	return i
}

func seriesShort(arm, operation string, phase record.Phase, seed uint64) record.Series {
	s := seriesOf(arm, operation, "ok", phase, 1, 1)
	return record.Series{Key: s.Key, Response: shared[seed%4], Service: shared[(seed+1)%4], Lateness: shared[(seed+2)%4]}
}

var shared = [...]*histogram.Histogram{spread(1, 50), spread(2, 50), spread(3, 50), spread(4, 50)}

// pace is how many seconds an interval of the day has, so that a day is short.
const pace = 20

// A day of intervals, with a new node and a new round all the time, keeps the
// number of series and the memory where they were: what grows without end is
// merged.
func TestDay(t *testing.T) {
	s := newSource("on", base, new(health))
	p := push{s, Native}
	var early uint64
	for second := 0; second < 24*60*60; second += pace {
		s.add(crowded(second))
		if second%60 == 0 {
			if _, err := p.Produce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if second == 12*60*60 { // the bound is reached by then
			early = heap()
		}
	}
	late := heap()
	t.Logf("heap %d kB after half a day, %d kB after a day; %d series", early/1000, late/1000, len(s.counts.all)+len(s.levels.all)+3*len(s.operations.all))
	if late > early+early/10+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", early, late)
	}
	if n := len(s.levels.all); n != maxPoints+1 {
		t.Errorf("%d series of gauges, want the bound of %d and the overflow", n, maxPoints)
	}
	if n, want := len(s.operations.all), 10*record.Phases; n != want {
		t.Errorf("%d series of operations, want %d: rounds are no label", n, want)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
