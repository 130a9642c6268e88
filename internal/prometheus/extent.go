package prometheus

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"schload/telemetry/record"
)

// The labels that resource attributes become.
const (
	labelRun     = "schload_run_id"
	labelArm     = "schload_arm"
	labelUpgrade = "schload_upgrade"
)

// steps is how finely a run's end is looked for at first.
const steps = 1000

// apart is how far the last samples of arms may lie apart: each is exported by a
// pipeline of its own, at the latest when the run ends.
const apart = 500 * time.Millisecond

// extent is where the samples of a run end.
type extent struct {
	upgrade string
	arms    map[string]*armExtent
	begin   time.Time // of the time in which the run was looked for
}

type armExtent struct {
	last     time.Time
	instance string // who exported it
}

func (s Source) selector(metric string) string {
	return fmt.Sprintf("%s{%s=%s}", metric, labelRun, strconv.Quote(s.Run))
}

// find looks for the run's last samples: first in which part of the time some
// are, then which they are.
func (c *client) find(ctx context.Context, now time.Time) (extent, error) {
	due, step := c.source.selector(name(record.OperationsDue)), c.source.Since/steps
	step = max(step.Round(time.Second), time.Second)
	r := v1.Range{Start: now.Add(-steps * step), End: now, Step: step}
	seen, err := c.over(ctx, r, fmt.Sprintf("count(present_over_time(%s[%s]))", due, span(step)))
	if err != nil {
		return extent{}, err
	}
	if len(seen) == 0 || len(seen[0].Values) == 0 {
		return extent{}, c.absent(ctx, now)
	}
	last := seen[0].Values[len(seen[0].Values)-1].Timestamp.Time()
	samples, err := c.matrix(ctx, last, fmt.Sprintf("%s[%s]", due, span(step)))
	if err != nil {
		return extent{}, err
	}
	e := extent{arms: map[string]*armExtent{}, begin: r.Start.Add(-step)}
	for _, series := range samples {
		if err := e.add(series); err != nil {
			return extent{}, err
		}
	}
	if len(e.arms) == 0 {
		return extent{}, fmt.Errorf("run %s: %s has no label %s: %s", c.source.Run, name(record.OperationsDue), labelArm, promote)
	}
	return e, e.together()
}

// add takes a series of the counter that every arm has.
func (e *extent) add(series *model.SampleStream) error {
	arm := string(series.Metric[labelArm])
	if arm == "" || len(series.Values) == 0 {
		return nil
	}
	e.upgrade = string(series.Metric[labelUpgrade])
	instance := string(series.Metric["job"]) + "/" + string(series.Metric["instance"])
	if e.arms[arm] == nil {
		e.arms[arm] = &armExtent{instance: instance}
	}
	a := e.arms[arm]
	if a.instance != instance {
		return fmt.Errorf("arm %s is of %s and of %s: several workers, whose bundles schload merge adds up, or one that was received in two ways", arm, a.instance, instance)
	}
	if at := series.Values[len(series.Values)-1].Timestamp.Time(); at.After(a.last) {
		a.last = at
	}
	return nil
}

// together says whether the arms end together.
func (e *extent) together() error {
	var first string
	for _, arm := range e.names() {
		if first == "" {
			first = arm
		}
		if d := e.arms[arm].last.Sub(e.arms[first].last).Abs(); d > apart {
			return fmt.Errorf("arm %s ends at %v, arm %s at %v: an export of one of them did not arrive; its bundle has it",
				first, e.arms[first].last.UTC(), arm, e.arms[arm].last.UTC())
		}
	}
	return nil
}

func (e *extent) names() (arms []string) {
	for arm := range e.arms {
		arms = append(arms, arm)
	}
	slices.Sort(arms)
	return arms
}

const promote = "promote the resource attributes schload.run.id, schload.arm and schload.upgrade to labels, as dashboards/prometheus/prometheus.yml does, before the run"

// absent says what there is instead of the run.
func (c *client) absent(ctx context.Context, now time.Time) error {
	window := span(c.source.Since)
	runs, err := c.vector(ctx, now, fmt.Sprintf("group by (%s) (last_over_time(%s[%s]))", labelRun, name(record.OperationsDue), window))
	if err != nil {
		return err
	}
	var ids []string
	for _, r := range runs {
		if id := string(r.Metric[labelRun]); id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids) // ids begin with their instant
	switch {
	case len(runs) == 0:
		return fmt.Errorf("%s has no run of schload in the last %v: was one exported to it? An older one is found with since=720h", c.source.Server, c.source.Since)
	case len(ids) == 0:
		return fmt.Errorf("%s has runs of schload, but not their ids (label %s): %s", c.source.Server, labelRun, promote)
	case len(ids) > 10:
		ids = append(ids[:10], fmt.Sprintf("%d more", len(ids)-10))
	}
	return fmt.Errorf("%s has no run %s in the last %v; it has %s", c.source.Server, c.source.Run, c.source.Since, strings.Join(ids, ", "))
}

// span spells a duration for PromQL.
func span(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }
