package recount

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// run is run.json, as far as a summary rests on it.
type run struct {
	RunID   string    `json:"run_id"`
	Started time.Time `json:"started"`
	Arms    []struct {
		Name      string         `json:"name"`
		Requested string         `json:"requested"`
		Settings  map[string]any `json:"settings"`
	} `json:"arms"`
	Pools   []pool `json:"pools"`
	Upgrade struct {
		Name        string   `json:"name"`
		Title       string   `json:"title"`
		SCHSupport  string   `json:"sch_support"`
		Documented  string   `json:"documented"`
		Assumptions []string `json:"assumptions"`
		Simulated   bool     `json:"simulated"`
	} `json:"upgrade"`
	Stage       string      `json:"stage"`
	Order       string      `json:"order"`
	Cluster     bool        `json:"cluster"`
	Rounds      uint64      `json:"rounds"`
	LateAfter   json.Number `json:"late_after_s"`
	OutageAfter json.Number `json:"outage_after_s"`
	Objective   float64     `json:"objective"`
	SLO         []string    `json:"slo"`
	SlotRanges  []struct {
		From uint64 `json:"from"`
		To   uint64 `json:"to"`
	} `json:"slot_ranges"`
	Environment struct {
		CPUs uint64 `json:"cpus"`
	} `json:"environment"`
	Injections []string `json:"injections"`
	Saturation *struct {
		Pipelining string `json:"pipelining"`
		Workers    uint64 `json:"workers"`
		Depth      uint64 `json:"depth"`
	} `json:"saturation"`
	Isolated *struct{} `json:"isolated"`
	Merge    *merge    `json:"merge"`
	Final    *final    `json:"final"`
}

// played is how many rounds were ordered or, where none were, played.
func (r run) played() uint64 {
	if r.Rounds == 0 && r.Final != nil {
		return r.Final.Rounds
	}
	return r.Rounds
}

// merge is what a bundle was added up from.
type merge struct {
	Workers  []worker `json:"workers"`
	Ignored  []string `json:"ignored"`
	Warnings []string `json:"warnings"`
}

// worker is one of them: a worker of several that loaded together, or a process
// of a run whose arms had one each.
type worker struct {
	Name     string         `json:"name"`
	Process  string         `json:"process"`
	StartLag *lag           `json:"start_lag_s"`
	Health   map[string]any `json:"health"`
	Stalled  json.Number    `json:"stalled_s"`
	Measured json.Number    `json:"measured_s"`
	Complete bool           `json:"complete"`
	Missing  string         `json:"missing"`
}

// lag is a start lag in decimal seconds, and of how many operations.
type lag struct {
	Count uint64      `json:"count"`
	P50   json.Number `json:"p50"`
	P99   json.Number `json:"p99"`
	Max   json.Number `json:"max"`
}

type pool struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Receivers uint64 `json:"receivers"`
	Arrival   string `json:"arrival"`
}

type final struct {
	Ended          time.Time `json:"ended"`
	Valid          bool      `json:"valid"`
	InvalidReasons []string  `json:"invalid_reasons"`
	Interrupted    bool      `json:"interrupted"`
	MarksDropped   uint64    `json:"marks_dropped"`
	Lines          *struct {
		Intervals int `json:"intervals"`
		Marks     int `json:"marks"`
	} `json:"lines"`
	Rounds      uint64 `json:"rounds"`
	RoundsEnded string `json:"rounds_ended"`
	StartLag    *lag   `json:"start_lag_s"`
	Arms        []struct {
		Name        string   `json:"name"`
		Effective   string   `json:"effective"`
		Connections uint64   `json:"connections"`
		OptedIn     uint64   `json:"opted_in"`
		Notes       []string `json:"notes"`
	} `json:"arms"`
	Health   map[string]any    `json:"health"`
	Injected map[string]uint64 `json:"injected"`
	Exports  struct {
		Sent       uint64 `json:"sent"`
		Failed     uint64 `json:"failed"`
		Held       uint64 `json:"held"`
		Overflowed uint64 `json:"overflowed"`
		SpansLost  uint64 `json:"spans_lost"`
		EventsLost uint64 `json:"events_lost"`
	} `json:"exports"`
}

// bundle is the three files, read.
type bundle struct {
	run       run
	intervals []interval
	phases    []mark // by instant
	marks     []mark
	torn      []string // files that end in the middle of a line
	series    map[series][]sample

	turned map[string]list // rounds of each arm, once derived

	source string // of the phases
	span   span   // of maintenance, where the data show it
}

// series names points of one kind, sample is one of them.
type (
	series struct{ arm, name string }
	sample struct {
		*interval
		point
	}
)

// each returns the points of an arm, in order of time.
func (b *bundle) each(arm, name string) []sample { return b.series[series{arm, name}] }

func open(dir string) (*bundle, error) {
	b := &bundle{series: map[series][]sample{}, turned: map[string]list{}}
	data, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	if err := decoder.Decode(&b.run); err != nil {
		return nil, err
	}
	if err := b.read(dir, "metrics.otlp.jsonl", func(line []byte) error {
		i, err := parseLine(line, b.run.Started.UnixNano())
		b.intervals = append(b.intervals, i)
		return err
	}); err != nil {
		return nil, err
	}
	if err := b.read(dir, "marks.jsonl", func(line []byte) error {
		var m mark
		err := json.Unmarshal(line, &m)
		b.marks = append(b.marks, m)
		return err
	}); err != nil {
		return nil, err
	}
	for k := range b.intervals {
		for _, p := range b.intervals[k].points {
			s := series{p.arm, p.name}
			b.series[s] = append(b.series[s], sample{&b.intervals[k], p})
		}
	}
	b.phases = b.of("phase")
	slices.SortStableFunc(b.phases, func(x, y mark) int { return int(min(max(x.At-y.At, -1), 1)) })
	b.decide()
	return b, nil
}

func (b *bundle) read(dir, name string, line func([]byte) error) error {
	torn, err := wholeLines(filepath.Join(dir, name), line)
	if torn {
		b.torn = append(b.torn, name)
	}
	return err
}

// of returns the marks of one kind.
func (b *bundle) of(kind string) (found []mark) {
	for _, m := range b.marks {
		if m.Kind == kind {
			found = append(found, m)
		}
	}
	return found
}

func (b *bundle) end() (end int64) {
	for _, i := range b.intervals {
		end = max(end, i.to)
	}
	return end
}

func (b *bundle) outageAfter() int64 { return nanoseconds(b.run.OutageAfter) }

func (b *bundle) closedLoop() bool {
	for _, p := range b.run.Pools {
		if p.Arrival == "closed" {
			return true
		}
	}
	return false
}
