package hour

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Series is how many series of histograms an arm of a whole hour has: six
// operations, ok and failed, in four phases, each with three times.
const Series = 6 * 2 * 4 * 3

// Options say which hour.
type Options struct {
	ID      string    // of the run
	Started time.Time // the run's base
	Length  time.Duration
	Seed    uint64
	Rate    int // operations a second of each arm; 0: 2000
}

const (
	rounds  = 6
	pool    = "main"
	warmUp  = time.Minute
	outage  = 500 * time.Millisecond
	tooLate = 100 * time.Millisecond
)

var (
	arms       = []string{"off", "on"}
	operations = []string{"GET", "SET", "INCR", "HGETALL", "LPUSH", "MGET"}
)

func (o Options) run() bundle.Run {
	run := bundle.Run{
		ID: o.ID, Started: o.Started, Stage: "sim", Rounds: rounds, Seed: o.Seed, Speed: 1,
		Upgrade:   bundle.Upgrade{Name: "endpoint-rebind", Title: "Endpoint rebind", SCHSupport: "full"},
		Pools:     []bundle.Pool{{Name: pool, Operations: operations, Arrival: "constant"}},
		LateAfter: bundle.Seconds(tooLate), OutageAfter: bundle.Seconds(outage),
	}
	for _, name := range arms {
		run.Arms = append(run.Arms, bundle.Arm{Name: name, Requested: name})
	}
	for _, r := range record.EqualSlotRanges(16) {
		run.SlotRanges = append(run.SlotRanges, bundle.SlotRange{From: r.From, To: r.To})
	}
	return run
}

// Write makes the bundle in dir, which must not exist or be empty.
func Write(dir string, o Options) (err error) {
	w, err := bundle.Create(dir, o.run())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	p := newPlay(o, w.Mark)
	for from := time.Duration(0); from < o.Length; from += time.Second {
		to := min(from+time.Second, o.Length)
		p.second(from, to)
		collect := p.recorder.Collect
		if to == o.Length {
			collect = p.recorder.Finish
		}
		iv := collect(to)
		p.beside(&iv)
		if err := w.Interval(iv); err != nil {
			return err
		}
	}
	return w.Finish(p.final())
}

// Workers makes the bundles of n workers that recorded the same: their lines
// are one file under several names, so that twenty take the disk of one.
func Workers(parent string, n int, o Options) (dirs []string, err error) {
	for i := range n {
		dir := filepath.Join(parent, o.ID+"-"+string(rune('a'+i)))
		one := o
		one.ID = filepath.Base(dir)
		if i == 0 {
			err = Write(dir, one)
		} else {
			err = again(dirs[0], dir, one)
		}
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// again makes a bundle beside one that has the same files but run.json.
func again(first, dir string, o Options) error {
	w, err := bundle.Create(dir, o.run())
	if err != nil {
		return err
	}
	if err := w.Finish(newPlay(o, mark.Discard).final()); err != nil {
		return err
	}
	for _, name := range []string{"metrics.otlp.jsonl", "marks.jsonl"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(first, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return lend(first, dir)
}

// lend has a bundle's run.json count the lines of the first one's files.
func lend(first, dir string) error {
	var runs [2]bundle.Run
	for i, d := range []string{first, dir} {
		text, err := os.ReadFile(filepath.Join(d, "run.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &runs[i]); err != nil {
			return err
		}
	}
	runs[1].Final.Lines = runs[0].Final.Lines
	text, err := json.Marshal(runs[1])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "run.json"), text, 0o644)
}

// phase is one of the hour's, and how an arm does in it.
type phase struct {
	record.Phase
	round int
	from  time.Duration
}

// phases are the warm-up, then rounds of equal length: four parts in ten are
// baseline, three maintenance and three recovery.
func phases(length time.Duration) []phase {
	begin := min(warmUp, length/10)
	list := []phase{{Phase: record.Warmup}}
	each := (length - begin) / rounds
	for i := range rounds {
		at := begin + time.Duration(i)*each
		list = append(list,
			phase{record.Baseline, i + 1, at},
			phase{record.Maintenance, i + 1, at + each*4/10},
			phase{record.Recovery, i + 1, at + each*7/10})
	}
	return list
}

// failures is the share of operations that fail.
func failures(arm string, p record.Phase) float64 {
	if p == record.Maintenance && arm == "off" {
		return 0.05
	}
	return 0.01
}

func failure(n int) workload.Class {
	return []workload.Class{workload.DialRefused, workload.Reset, workload.ReadTimeout, workload.EOF}[n%4]
}
