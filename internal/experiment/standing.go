package experiment

import (
	"maps"
	"slices"
	"strconv"
	"sync/atomic"

	"schload/handoff"
	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// standing is what is known of an arm whose clients are closed, in order
// sequential those of all its turns so far.
type standing struct {
	tally    workload.Tally
	proof    bundle.Proof
	unproved []string       // what keeps it from being what it claims
	dropped  uint64         // marks that its clients left out
	conns    atomic.Uint64  // the highest number of a connection so far
	nodes    map[string]int // of its connections, all of them 0: none is open
	sinks    []*stash       // by pool
}

// stash are the sinks of an arm's pool. A turn takes those of the turn before,
// in the same order, so that their number does not grow with the rounds.
type stash struct {
	all  []workload.SlotSink
	next int
}

func (s *stash) take(more func() workload.SlotSink) workload.SlotSink {
	if s.next == len(s.all) {
		s.all = append(s.all, more())
	}
	s.next++
	return s.all[s.next-1]
}

func newStandings(c Config) map[string]*standing {
	all := map[string]*standing{}
	for _, a := range c.Arms {
		s := &standing{proof: bundle.Proof{Name: a.Name, Requested: a.Mode, Effective: unknown}, nodes: map[string]int{}}
		for range c.Pools {
			s.sinks = append(s.sinks, new(stash))
		}
		all[a.Name] = s
	}
	return all
}

// unknown is what an arm is that has not been loaded.
const unknown = "unknown"

// numbered is a sink for the marks of an arm's client, until it is closed: that
// its connections end then is no news. Each client numbers its connections from
// 1; those of an arm are numbered on through its turns.
func (s *standing) numbered(sink mark.Sink, closed *atomic.Bool) mark.Sink {
	from := s.conns.Load()
	return func(m mark.Mark) {
		if closed.Load() {
			return
		}
		if m.Conn > 0 {
			m.Conn += from
			raise(&s.conns, m.Conn)
		}
		sink(m)
	}
}

func raise(to *atomic.Uint64, n uint64) {
	for was := to.Load(); n > was && !to.CompareAndSwap(was, n); was = to.Load() {
	}
}

// retire takes over what an arm's clients have shown once their last reading is
// taken.
func (s *standing) retire(a *arm) {
	for _, t := range a.tallies {
		s.tally.Due += t.Due
		s.tally.OK += t.OK
		s.tally.Failed += t.Failed
		s.tally.Missed += t.Missed
	}
	for _, n := range a.before.MarksDropped {
		s.dropped += n
	}
	if reasons := a.unproved(); reasons != "" && !slices.Contains(s.unproved, reasons) {
		s.unproved = append(s.unproved, reasons)
	}
	for node := range a.before.Nodes {
		s.nodes[node] = 0
	}
	p := a.client.Proof()
	raise(&s.conns, a.connsBefore+p.Connections)
	s.prove(p)
}

// prove adds what the connections of one client were found to be.
func (s *standing) prove(p handoff.Proof) {
	sum := &s.proof
	switch {
	case sum.Effective == unknown:
		sum.Effective = p.Effective
	case p.Effective != unknown && p.Effective != sum.Effective:
		sum.Effective = "mixed"
	}
	sum.Connections += p.Connections
	sum.OptedIn += p.OptedIn
	sum.Refused += p.Refused
	if sum.RefusedText == "" {
		sum.RefusedText = p.RefusedText
	}
	if p.Server != "" {
		sum.Server = p.Server
	}
	for version, n := range p.Protocols {
		add(&sum.Protocols, strconv.Itoa(version), n)
	}
	for kind, n := range p.EndpointType {
		add(&sum.EndpointTypes, kind, n)
	}
	for _, note := range p.Reasons {
		if p.Valid && !slices.Contains(sum.Notes, note) { // what makes it invalid is among the run's reasons
			sum.Notes = append(sum.Notes, note)
		}
	}
}

func add(to *map[string]uint64, key string, n uint64) {
	if *to == nil {
		*to = map[string]uint64{}
	}
	(*to)[key] += n
}

// resting returns the gauges of the arms whose clients are closed: they have no
// connections.
func (r *run) resting(attached []*arm) (all []record.Level) {
	for _, a := range r.Arms {
		s := r.standings[a.Name]
		if len(s.nodes) == 0 || slices.ContainsFunc(attached, func(x *arm) bool { return x.name == a.Name }) {
			continue
		}
		all = append(all, levels(a.Name, handoff.Observation{Nodes: maps.Clone(s.nodes)})...)
	}
	return all
}
