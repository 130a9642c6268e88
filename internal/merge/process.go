package merge

import (
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// process is which of the processes of a run whose arms had one each left the
// bundle; "" of one whose arms shared a process. What such processes recorded
// has no arm in common and is put side by side: each arm's outages are its own,
// and all have one machine and one clock.
func (w *worker) process() string {
	if w.Run.Isolated == nil {
		return ""
	}
	return w.Run.Isolated.Process
}

// place orders processes: the stage's first, which sets the pace and speaks for
// the whole, then the arms' as the run has them.
func (w *worker) place() int {
	switch w.process() {
	case bundle.StageProcess:
		return -1
	case bundle.ArmProcess:
		return slices.Index(w.Run.Isolated.Arms, w.Run.Arms[0].Name)
	}
	return 0
}

func kind(w *worker) string {
	if w.process() != "" {
		return "process"
	}
	return "worker"
}

// isolated says that the workers are processes of one run.
func isolated(list []*worker) bool { return list[0].process() != "" }

// absentProcesses are those of which there is no bundle.
func absentProcesses(list []*worker) (missing []bundle.Merged) {
	if len(list) == 0 || !isolated(list) {
		return nil
	}
	have := func(process, name string) bool {
		return slices.ContainsFunc(list, func(w *worker) bool { return w.process() == process && w.name == name })
	}
	lacks := func(process, name string) {
		if !have(process, name) {
			missing = append(missing, bundle.Merged{Name: name, Process: process, Missing: "its bundle was not given"})
		}
	}
	lacks(bundle.StageProcess, bundle.StageProcess)
	for _, arm := range list[0].Run.Isolated.Arms {
		lacks(bundle.ArmProcess, arm)
	}
	return missing
}

// beside is a mark of a process as it stands in the merged bundle: what is told
// of an arm stays as it is, what the process tells of itself names its arm.
func (w *worker) beside(m mark.Mark) (mark.Mark, bool) {
	switch {
	case m.Kind == mark.Phase: // the whole has it once
		return m, false
	case m.Kind == mark.Harness && m.Arm == "" && w.process() == bundle.ArmProcess:
		m.Arm = w.name
	case m.Kind == mark.Invalid && w.process() == bundle.ArmProcess:
		if slices.Contains(w.whole, m.Detail) {
			return m, false // the run was given up for it, and the stage says so
		}
		m.Detail = w.says(m.Detail)
	}
	return m, true
}

// wholes gives all processes the stage's reasons.
func wholes(list []*worker) {
	if lead := list[0]; lead.process() == bundle.StageProcess && lead.Run.Final != nil {
		for _, w := range list {
			w.whole = lead.Run.Final.InvalidReasons
		}
	}
}

// latePhases says how often a process heard of a phase too late, and by how
// much at most.
func (f *facts) latePhases() (n int, most time.Duration) {
	for _, s := range f.late {
		n, most = n+1, max(most, s.length())
	}
	return n, most
}

// warnProcesses are the warnings of processes in place of those of workers.
func warnProcesses(list []*worker, add func(string, ...any)) {
	for _, w := range list {
		if n, most := w.facts.latePhases(); n > 0 {
			add("%s heard of %d phases too late, by up to %v: what fell due in between counts for the phase before", w.told.Who(), n, most.Round(time.Microsecond))
		}
	}
}

// finalOf adds how a process ended, and says whether the whole has an end
// without it: a run goes on being led when the process of an arm is lost.
func (w *worker) finalOf(f *bundle.Final) bool {
	own := w.Run.Final
	switch {
	case own == nil && w.process() == bundle.ArmProcess:
		f.Valid = false
		if !slices.ContainsFunc(w.whole, func(reason string) bool { return strings.HasPrefix(reason, w.told.Who()) }) {
			f.InvalidReasons = append(f.InvalidReasons, w.told.Who()+" did not end properly")
		}
		return true
	case own == nil:
		return false
	case w.process() == bundle.StageProcess:
		f.Interrupted, f.Rounds, f.RoundsEnded = own.Interrupted, own.Rounds, own.RoundsEnded
	}
	return true
}

// oneMachine adds the signs of two processes of one machine.
func oneMachine(x, y *bundle.Health) *bundle.Health {
	h := busiest(x, y)
	if x == nil || y == nil {
		return h
	}
	if x.CPU != nil && y.CPU != nil {
		sum := *x.CPU + *y.CPU
		h.CPU = &sum
	}
	h.ClockSteps = max(x.ClockSteps, y.ClockSteps)
	return h
}

// ruleOfProcesses is ruleOf for processes, which share the processors.
func ruleOfProcesses(l record.Level) rule {
	if l.Name == record.HarnessCPU {
		return mean
	}
	return ruleOf(l)
}
