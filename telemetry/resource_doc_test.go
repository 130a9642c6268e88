package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"schload/telemetry/record"
)

// explained is an attribute and what docs/METRICS.md says of it.
type explained struct{ key, meaning string }

// resourceAttributes are those that schload states itself.
var resourceAttributes = []explained{
	{"schload.arm", "the arm; the run's own source has none"},
	{"schload.run.id", "the run, the same for all its workers"},
	{"schload.upgrade", "what is played, which others call the scenario; there is no `schload.scenario`, because one thing has one name"},
	{"schload.profile", "the load that is offered; all of it is in `run.json`, and `config.hash` of `schload.run.info` tells two of one name apart"},
	{"service.name", "schload, or `OTEL_SERVICE_NAME`"},
	{"service.version", "of schload"},
	{"service.instance.id", "the run, or the worker of it, and after it the arm"},
}

const resourceHead = `
## Resource

| attribute | meaning |
|---|---|
`

const resourceFoot = `
A profile's ` + "`attributes`" + ` and ` + "`OTEL_RESOURCE_ATTRIBUTES`" + ` are added: ` + "`deployment.environment.name`" + ` is yours to say. Promote arm, run and upgrade
to labels, as dashboards/prometheus/prometheus.yml does; the others are labels of ` + "`target_info`" + `. Scrapes of ` + "`--prometheus`" + ` have the three on every series.
`

func renderResource() string {
	return resourceHead + rows(resourceAttributes) + resourceFoot
}

func rows(list []explained) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.key, d.meaning)
	}
	return b.String()
}

const laterHead = `
## Series that come later

Counters and histograms are exported at zero before the load begins, every series that a run may come to: a database that computes rates
makes nothing of a value without one before it. Those of the metrics below may begin later, under a zero at the end of the interval before. A gauge
begins once it is known, for it has no zero to rise from.

| metric | what comes later, and why |
|---|---|
`

func renderLater() string {
	var b strings.Builder
	b.WriteString(laterHead)
	for _, name := range slices.Sorted(maps.Keys(record.Later)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, record.Later[name])
	}
	return b.String()
}

// The resource has what docs/METRICS.md lists, and nothing else of ours.
func TestResourceIsAsDocumented(t *testing.T) {
	s, warnings, err := Config{RunID: "r", Upgrade: "u", Profile: "p", ServiceVersion: "v", Getenv: nothing}.resolve()
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	checkExplained(t, resourceAttributes, keysIn(s.resourceOf("on").Attributes()))
}
