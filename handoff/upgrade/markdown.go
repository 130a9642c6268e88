package upgrade

import (
	"fmt"
	"slices"
	"strings"
)

// intro opens the document about the catalog.
const intro = `# Upgrades

An upgrade is a choreography of maintenance: timed steps, the notices that
announce them, and the origin of every number. This document is generated from
the catalog (handoff/upgrade/catalog); ` + "`schload upgrades NAME`" + ` prints the same
text with your settings applied.

%s
## How to read it

**Support** is what the vendor's documentation promises of handoffs: full (a
handoff before the close, and relaxed timeouts), partial (help for a part
of the event), relaxed (relaxed timeouts alone: no connection has to move, or can),
none (no notice is sent). A run holds its result against this promise: see
METHODOLOGY.md, "Expectations".

**Origin** says where a number comes from, from firm to weak:

| origin | meaning |
|---|---|
| measured | on a real deployment, by the source named |
| documented | in official documentation |
| client | read in the source of a client |
| test | expected or mocked by a client's tests: no proof of what a server does |
| assumption | ours; nothing public was found |

A step is as weak as the weakest number behind it, and a result that rests on a
test expectation or an assumption says so. **Known** lists other values that the
same source vouches for. Setting one of them keeps the origin; setting any other
makes the number an assumption, because nobody has seen a server do it.

**Timelines** read downwards. Each node has a lifeline, the record is what the
endpoint's name resolves to, and a notice is open from its announcement to its
completion (MOVING: to the close).

## Settings, seed and speed

` + "`--set name=value`" + ` sets a parameter to a value (5s), to a range from which a
value is drawn uniformly (0.7s..4.1s), or to a choice of which one is drawn
({4.4s, 9.7s, 18.7s}). The seed decides what is drawn; each parameter draws from
its own stream, so that setting one leaves the others as they were.

A speed of 5 plays an upgrade in a fifth of the time. Announced times stay whole
seconds of at least 1, as on the wire; where that bends a window, everything in
it bends alike, so that steps keep their order and no proxy closes before the
time it announced. Latency that a step adds keeps its size. Speed compresses the
server's side only: the client's timeouts and retries stay as they are, so a
stall of 500 ms at speed 5 lasts 100 ms and may no longer exceed them. Results
to be quoted come from speed 1.

## The file of an upgrade

An upgrade is a YAML file. Unknown keys are refused, and so is a number without
an origin. The head has ` + "`name`, `title`, `summary`, `prose`, `sch_support`" + `,
` + "`documented`" + ` (what the vendor promises), ` + "`settle`" + ` (how long after the last
step it is over) and, where it matters, ` + "`ttl`" + ` (of the endpoint's record) and
` + "`database`" + `: ` + "`endpoint`" + ` (the default: one name leads to a proxy) or
` + "`oss-cluster`" + ` (clients read the slot map and dial nodes), and ` + "`replicas: needed`" + ` where one takes over.

` + "```yaml" + `
parameters:
  - name: moving_time
    value: 15s            # a duration, integer, number or text; a range; a choice
    known: 5s..30s        # other values the source vouches for; may be left out
    origin: measured
    source: who measured, wrote or assumed it
    help: what it means
steps:
  - at: op_to_moving + moving_time + moving_close_slack
    act: close
    node: old
    detail: one line for people, {moving_time} is filled in
` + "```" + `

` + "`at`, `for`, `delay` and `every`" + ` are sums and differences of parameters. A duration
may be written out only in a step that cites its own ` + "`origin` and `source`" + `.
` + "`seconds`, `shards`, `writes`, `slots` and `repeat`" + ` name a parameter.

| act | fields | what it does |
|---|---|---|
| notify | notice, seconds (of a notice that opens), shards; MOVING: node, to | sends a notice to the connections that opted in |
| listen | node | the node's proxy accepts connections |
| refuse | node | it refuses dials |
| close | node | it closes all its connections |
| bind | node | the endpoint is served by this node |
| dns | node | the endpoint's record names this node |
| stall | for, shards | commands queue at the proxies |
| slow | for, delay, shards | replies take longer |
| loading | for, shards | commands are refused with LOADING |
| lose | writes | the last writes that were acknowledged are gone; with 0 the step is not played |
| join | node | the endpoint is served by this node too, and its record names it too |
| leave | node | the endpoint is served by the others only, and its record names them only |
| reset | node | it resets all its connections |
| isolate | node | packets to and from it are lost: dials hang, connections fall silent |
| rejoin | node | packets pass again, and what was sent meanwhile arrives |
| move | node, to | the slots of the oldest window that the node announced are served by the other node, and it answers MOVED |

Any step may have ` + "`when`" + `, which names a parameter that says yes or no: whether
the step is played. It may have ` + "`repeat` and `every`" + `: it is played so many
times, each so much later than the one before.

A database of kind oss-cluster knows neither bind, dns, join and leave nor
MOVING, MIGRATING and FAILING_OVER: a database never mixes the two families. Its
notices are SMIGRATING (` + "`node`, `slots`" + `: all, a share such as 50%%, a count such as
100, or ranges such as 8892-8991) and SMIGRATED (` + "`node`, `to`" + `). With ` + "`node`" + `, stall, slow
and loading concern the shards of that node whose slots are to move. The
record names the nodes that serve slots, as of the last SMIGRATED (assumption).

A node is ` + "`old`" + ` (it serves the endpoint when the upgrade begins), ` + "`new`" + `, or
` + "`next`" + ` (where the endpoint goes when it moves a second time, to neither of the
two). Of an oss-cluster, ` + "`old` and `peer`" + ` serve slots and ` + "`new`" + ` does not listen. A plan that no server would play is refused: MOVING of a proxy that does
not leave or without another that joins or beside others that stay, a completion without its opening or
during its stall, a close before the announced time, a bind to a node that
refuses, anything said by a node that is isolated; slots that move unannounced, a
SMIGRATED before they did, a window that is never completed.
`

// CatalogMarkdown returns the document about all upgrades of the catalog:
// docs/UPGRADES.md.
func CatalogMarkdown() (string, error) {
	overview := [][]string{{"upgrade", "what happens", "support", "length", "name leads nowhere"}}
	var chapters strings.Builder
	for _, name := range Names() {
		u, err := Load(name)
		if err != nil {
			return "", err
		}
		p, err := u.Plan(exampleSeed, 1)
		if err != nil {
			return "", err
		}
		chapter, err := u.Markdown()
		if err != nil {
			return "", err
		}
		chapters.WriteString("\n" + chapter)
		link := fmt.Sprintf("[%s](#%s)", u.Name, u.Name)
		overview = append(overview, []string{link, fill(u.Summary, p.Settings), string(u.SCH), p.Length.String(), p.nowhere()})
	}
	return fmt.Sprintf(intro, tableMarkdown(overview)) + chapters.String(), nil
}

// nowhere is the total time in which dials of the name fail.
func (p Plan) nowhere() string {
	total := Span{}
	for _, s := range p.Refused() {
		total.To += s.To - s.From
	}
	return total.To.String()
}

// Markdown returns the chapter about one upgrade.
func (u Upgrade) Markdown() (string, error) {
	p, err := u.Plan(exampleSeed, 1)
	if err != nil {
		return "", err
	}
	const width = 80
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", u.Name)
	b.WriteString(wrap(fmt.Sprintf("**%s.** %s", u.Title, fill(u.Summary, p.Settings)), width) + "\n")
	b.WriteString(wrap(fmt.Sprintf("Documented support of handoffs: **%s**. %s", u.SCH, u.Documented), width) + "\n")
	b.WriteString(wrap(fill(u.Prose, u.written()), width) + "\n")
	b.WriteString(u.parametersMarkdown() + "\n")
	fmt.Fprintf(&b, "```text\n%s```\n", p.Text())
	if assumptions := u.Assumptions(); len(assumptions) > 0 {
		b.WriteString("\nA result rests on these:\n\n")
		for _, sentence := range assumptions {
			b.WriteString("- " + sentence + "\n")
		}
	}
	return b.String(), nil
}

func (u Upgrade) parametersMarkdown() string {
	sources := u.sources()
	rows := [][]string{{"parameter", "value", "known", "origin", "meaning"}}
	for _, p := range u.Parameters {
		origin := fmt.Sprintf("%s (%d)", p.Origin, 1+slices.Index(sources, p.Source))
		rows = append(rows, []string{"`" + p.Name + "`", p.Value, p.Known, origin, p.Help})
	}
	text := tableMarkdown(rows) + "\nSources:\n\n"
	for i, source := range sources {
		text += fmt.Sprintf("%d. %s\n", i+1, source)
	}
	return text
}

// tableMarkdown writes rows as a table, the first as its head.
func tableMarkdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("|")
		for _, cell := range row {
			b.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		b.WriteString("\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}
