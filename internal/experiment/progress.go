package experiment

import (
	"maps"
	"slices"
	"strings"
	"time"

	"schload/internal/report"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// progress is what the live view shows of one interval.
func (r *run) progress(interval record.Interval) report.Progress {
	now := interval.To
	round, phase := r.Timeline.at()
	p := report.Progress{Phase: phase, Round: round, Rounds: r.known(), Saturates: r.Describe.Saturation != nil, Elapsed: max(0, now-r.start), Total: r.total}
	if r.Processes != nil {
		p.Arms = r.Processes.Progress()
		return p
	}
	attached := r.attached()
	for _, a := range r.Arms {
		i := slices.IndexFunc(attached, func(x *arm) bool { return x.name == a.Name })
		if i < 0 {
			p.Arms = append(p.Arms, report.ArmProgress{Name: a.Name, Rests: true, Failed: r.recorder.Totals(a.Name).Failed, Missed: r.recorder.Totals(a.Name).Missed})
			continue
		}
		p.Arms = append(p.Arms, r.armProgress(attached[i], now, interval))
	}
	return p
}

// known is how many rounds there will be; 0 where the run decides.
func (r *run) known() int {
	if r.Auto.Enough != nil {
		return 0
	}
	return r.Rounds
}

func (r *run) armProgress(a *arm, now time.Duration, interval record.Interval) report.ArmProgress {
	totals := r.recorder.Totals(a.name)
	p := report.ArmProgress{Name: a.name, Failed: totals.Failed, Missed: totals.Missed, Out: totals.Outage.Open}
	var response histogram.Histogram
	for _, s := range interval.Series {
		if s.Arm == a.name && s.Outcome == workload.OK.String() {
			response.Merge(s.Response)
		}
	}
	p.P99 = response.Quantile(0.99)
	if length := interval.To - interval.From; length > 0 {
		p.Rate = float64(response.Count()) / length.Seconds()
	}
	for _, node := range slices.SortedFunc(maps.Keys(a.before.Nodes), strings.Compare) {
		p.Nodes = append(p.Nodes, report.Node{Address: node, Connections: a.before.Nodes[node]})
	}
	if m, ok := r.Timeline.lastNotice(a.name); ok {
		p.Notice, p.Since = m.Name, now-m.At
	}
	return p
}
