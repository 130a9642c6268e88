package merge

import (
	"cmp"
	"maps"
	"slices"

	"schload/internal/bundle"
)

// final is how the merged run ended: nil if a worker did not end.
func final(list []*worker) *bundle.Final {
	f := &bundle.Final{Valid: true}
	for _, w := range list {
		own := w.Run.Final
		if !w.finalOf(f) {
			return nil
		}
		if own == nil {
			continue
		}
		if end := list[0].Run.Started.Add(w.offset + own.Ended.Sub(w.Run.Started)); end.After(f.Ended) {
			f.Ended = end
		}
		f.Valid = f.Valid && own.Valid && len(w.gaps) == 0
		for _, reason := range own.InvalidReasons {
			switch {
			case w.process() == bundle.StageProcess:
			case slices.Contains(w.whole, reason):
				continue // the run was given up for it, and the stage says so
			default:
				reason = w.says(reason)
			}
			f.InvalidReasons = append(f.InvalidReasons, reason)
		}
		f.Exports.Add(own.Exports)
		if w.process() == "" {
			f.Interrupted = f.Interrupted || own.Interrupted
		}
		f.MarksDropped += own.MarksDropped
		for kind, n := range own.Injected {
			if f.Injected == nil {
				f.Injected = map[string]int{}
			}
			f.Injected[kind] += n
		}
		f.StartLag = lag(f.StartLag, own.StartLag)
		if w.process() != "" {
			f.Health = oneMachine(f.Health, own.Health)
		} else {
			f.Health = busiest(f.Health, own.Health)
		}
		for _, p := range own.Arms {
			f.Arms = prove(f.Arms, p, w)
		}
	}
	for _, w := range list {
		for _, reason := range w.gaps {
			f.InvalidReasons = append(f.InvalidReasons, w.says(reason))
		}
	}
	return f
}

// lag bounds the quantiles of the whole from above: no quantile of a mixture is
// beyond the same of all its parts.
func lag(x, y *bundle.Lag) *bundle.Lag {
	if x == nil || y == nil {
		return cmp.Or(x, y)
	}
	count := x.Count + y.Count
	if x.Count == 0 || y.Count == 0 {
		count = 0 // of how many is not known of all
	}
	return &bundle.Lag{Count: count, P50: max(x.P50, y.P50), P99: max(x.P99, y.P99), Max: max(x.Max, y.Max)}
}

// prove adds what a worker's connections of an arm were found to be.
func prove(all []bundle.Proof, p bundle.Proof, w *worker) []bundle.Proof {
	for i, note := range p.Notes {
		p.Notes = slices.Clone(p.Notes)
		p.Notes[i] = w.says(note)
	}
	i := slices.IndexFunc(all, func(o bundle.Proof) bool { return o.Name == p.Name })
	if i < 0 {
		p.Protocols, p.EndpointTypes = maps.Clone(p.Protocols), maps.Clone(p.EndpointTypes)
		return append(all, p)
	}
	x := &all[i]
	switch {
	case p.Connections == 0:
	case x.Connections == 0:
		x.Effective = p.Effective
	case x.Effective != p.Effective:
		x.Effective = "mixed"
	}
	x.Connections += p.Connections
	x.OptedIn += p.OptedIn
	x.Refused += p.Refused
	x.RefusedText, x.Server = cmp.Or(x.RefusedText, p.RefusedText), cmp.Or(x.Server, p.Server)
	x.Protocols, x.EndpointTypes = plus(x.Protocols, p.Protocols), plus(x.EndpointTypes, p.EndpointTypes)
	x.Notes = append(slices.Clip(x.Notes), p.Notes...)
	if p.Server != x.Server && p.Server != "" {
		x.Notes = append(x.Notes, w.says("its server is "+p.Server+", not "+x.Server))
	}
	return all
}

func plus(x, y map[string]uint64) map[string]uint64 {
	if x == nil && len(y) > 0 {
		x = map[string]uint64{}
	}
	for k, n := range y {
		x[k] += n
	}
	return x
}

// busiest takes each sign of the harness from the worker that was worst off: a
// sum or a mean over workers would hide the one that was the bottleneck.
func busiest(x, y *bundle.Health) *bundle.Health {
	if x == nil || y == nil {
		return cmp.Or(x, y)
	}
	h := *x
	if y.Processors > 0 && (h.Processors == 0 || y.Processors < h.Processors) {
		h.Processors = y.Processors
	}
	h.Length = min(x.Length, y.Length)
	h.CPU, h.Steal = larger(x.CPU, y.CPU), larger(x.Steal, y.Steal)
	h.SchedLatency, h.GCPause = worse(x.SchedLatency, y.SchedLatency), worse(x.GCPause, y.GCPause)
	h.Memory += y.Memory
	if y.Files.Share() > x.Files.Share() {
		h.Files = y.Files
	}
	if y.Ports.Share() > x.Ports.Share() {
		h.Ports, h.TimeWait = y.Ports, y.TimeWait
	}
	h.ClockSteps += y.ClockSteps
	h.ClockStep = max(x.ClockStep, y.ClockStep)
	return &h
}

func larger(x, y *bundle.Seconds) *bundle.Seconds {
	if x == nil || y != nil && *y > *x {
		return y
	}
	return x
}

func worse(x, y bundle.Spread) bundle.Spread {
	return bundle.Spread{Count: x.Count + y.Count, P50: max(x.P50, y.P50), P99: max(x.P99, y.P99), Max: max(x.Max, y.Max), Sum: max(x.Sum, y.Sum)}
}
