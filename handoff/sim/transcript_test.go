package sim

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Each file of testdata/transcripts is a conversation with the core: commands
// at the margin, what came of them indented below. With -update the indented
// lines are rewritten; read the diff before committing it, and commit it only
// when its cause is understood.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s: the core says otherwise; with -update the file will (-want +got):\n%s", file, diff)
			}
		})
	}
}

// play repeats a transcript with the answers of today's core.
func play(t *testing.T, script string) string {
	t.Helper()
	stage := &transcript{core: newCore(Support{}, testNodes(3))}
	lines := bufio.NewScanner(strings.NewReader(script))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue
		}
		stage.out.WriteString(line + "\n")
		if err := stage.do(line); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
	}
	return stage.out.String()
}

func testNodes(n int) []coreNode {
	var nodes []coreNode
	for i := range n {
		nodes = append(nodes, coreNode{
			ip:   fmt.Sprintf("127.0.0.%d:12000", i+2),
			fqdn: nodeName(i) + ".redis-12000.schload.test:12000",
		})
	}
	return nodes
}

// transcript is a core, its clock and what it said.
type transcript struct {
	core    *core
	now     time.Duration
	support Support
	plan    upgrade.Plan
	start   time.Duration // of the plan that is played
	next    int           // its next action
	playing bool
	out     strings.Builder
}

func (s *transcript) do(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(line, "#") {
		return nil
	}
	args := words[1:]
	switch words[0] {
	case "nodes":
		s.restart(int(number(args[0])))
	case "support":
		return s.configure(args)
	case "cluster": // nodes, shards
		s.restart(int(number(args[0])))
		s.core = newCore(s.support, testNodes(int(number(args[0]))), Config{Nodes: int(number(args[0])), ShardCount: int(number(args[1])), OSSCluster: true}.home()...)
		s.core.layout = newLayout(int(number(args[0])), int(number(args[1])), false)
	case "fault":
		s.core.faults = Faults{Ask: args[0] == "ask"}
	case "prepare":
		s.step(arranged{slotNeedsOf(s.load(args[0]))})
		s.step(vacated{})
	case "open":
		return s.open(args)
	case "close":
		s.step(closed{number(args[0])})
	case "client":
		s.step(asked{number(args[0]), args[1:]})
	case "optin":
		s.step(asked{number(args[0]), optIn(args[1:])})
	case "hello":
		s.step(spoke{number(args[0]), int(number(args[1]))})
	case "reset":
		s.step(started{number(args[0])})
	case "at":
		return s.plot(args)
	case "length":
		d, err := time.ParseDuration(args[0])
		s.plan.Length = d
		return err
	case "play":
		return s.begin(args)
	case "advance":
		return s.advance(args)
	case "abort":
		s.finish()
	case "state":
		s.describe()
	default:
		return fmt.Errorf("unknown command %q", words[0])
	}
	return nil
}

// optIn spells the request as go-redis does.
func optIn(args []string) []string {
	if len(args) == 0 {
		return []string{"maint_notifications", "on"}
	}
	return []string{"maint_notifications", "on", "moving-endpoint-type", args[0]}
}

func number(word string) connID {
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		panic(err)
	}
	return connID(n)
}

// configure starts over with switches such as forget-moving or first-seq=1.
func (s *transcript) configure(args []string) error {
	s.support = Support{}
	for _, arg := range args {
		if err := s.support.Set(strings.ReplaceAll(arg, "_", " ")); err != nil {
			return err
		}
	}
	s.restart(len(s.core.nodes))
	return s.support.validate(len(s.core.nodes))
}

// restart makes a fresh database.
func (s *transcript) restart(nodes int) {
	s.core = newCore(s.support, testNodes(nodes))
	s.now, s.plan, s.playing = 0, upgrade.Plan{}, false
}

// open: open 1 node=1 proto=3
func (s *transcript) open(args []string) error {
	e, protocol := opened{conn: number(args[0])}, 2
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "node":
			e.node = int(number(value)) - 1
		case "proto":
			protocol = int(number(value))
		default:
			return fmt.Errorf("unknown argument %q", arg)
		}
	}
	s.step(e)
	s.step(spoke{e.conn, protocol})
	return nil
}

// plot adds an action to the plan: at 6s notify MOVING node=old to=new seconds=15
func (s *transcript) plot(args []string) error {
	at, err := time.ParseDuration(args[0])
	a := upgrade.Action{At: at, Act: upgrade.Act(args[1]), Origin: upgrade.Measured}
	for _, arg := range args[2:] {
		name, value, found := strings.Cut(arg, "=")
		var fault error
		switch {
		case !found:
			a.Notice, fault = notice.ParseKind(name)
		case name == "node":
			a.Node = upgrade.Role(value)
		case name == "to":
			a.To = upgrade.Role(value)
		case name == "seconds":
			a.Seconds = int64(number(value))
		case name == "slots":
			a.Slots = value
		case name == "shards":
			a.Shards = strings.Split(value, ",")
		case name == "for":
			a.For, fault = time.ParseDuration(value)
		case name == "delay":
			a.Delay, fault = time.ParseDuration(value)
		default:
			fault = fmt.Errorf("unknown argument %q", arg)
		}
		err = errors.Join(err, fault)
	}
	s.plan.Actions = append(s.plan.Actions, a)
	s.plan.Length = max(s.plan.Length, a.End())
	return err
}

// begin plays the plan plotted so far, or one of the catalog. ttl=1s says how
// long its records live.
func (s *transcript) begin(args []string) error {
	plan := s.plan
	for _, arg := range args {
		if ttl, ok := strings.CutPrefix(arg, "ttl="); ok {
			d, err := time.ParseDuration(ttl)
			plan.TTL = d
			if err != nil {
				return err
			}
			continue
		}
		plan = s.load(arg)
	}
	s.plan, s.start, s.next, s.playing = plan, s.now, 0, true
	s.step(began{plan.TTL, movesTwice(plan), losesAtMost(plan), slotNeedsOf(plan)})
	return nil
}

// load draws a plan of the catalog.
func (s *transcript) load(name string) upgrade.Plan {
	u, err := upgrade.Load(name)
	if err != nil {
		panic(err)
	}
	plan, err := u.Plan(1, 1)
	if err != nil {
		panic(err)
	}
	return plan
}

// advance lets time pass; actions happen when they are due.
func (s *transcript) advance(args []string) error {
	d, err := time.ParseDuration(args[0])
	until := s.now + d
	for s.playing && s.next < len(s.plan.Actions) && s.start+s.plan.Actions[s.next].At <= until {
		a := s.plan.Actions[s.next]
		s.now = s.start + a.At
		s.next++
		s.step(due{a})
	}
	if s.playing && s.start+s.plan.Length <= until {
		s.now = s.start + s.plan.Length
		s.finish()
	}
	s.now = until
	return err
}

// finish ends the plan; the next one is plotted anew.
func (s *transcript) finish() {
	s.playing = false
	s.plan = upgrade.Plan{}
	s.step(ended{})
}

func (s *transcript) step(e event) {
	for _, e := range s.core.Step(s.now, e) {
		fmt.Fprintf(&s.out, "  %v %v\n", s.now, e)
	}
}

// describe prints the core's state.
func (s *transcript) describe() {
	c := s.core
	for _, node := range c.also {
		fmt.Fprintf(&s.out, "  beside=%s\n", nodeName(node))
	}
	fmt.Fprintf(&s.out, "  bound=%s named=%s seq=%d windows=%d\n", nodeName(c.bound), nodeName(c.named), c.seq, len(c.windows))
	if c.layout != nil {
		fmt.Fprintf(&s.out, "  %v\n", c.layout)
	}
	for i, n := range c.nodes {
		conns, optedIn := c.occupancy(i)
		fmt.Fprintf(&s.out, "  %s accepting=%v connections=%d opted-in=%d\n", nodeName(i), n.accepting, conns, optedIn)
	}
}

// Commands print effects through their String method; one that had none would
// print as a struct and hide it.
func TestEffectsPrint(t *testing.T) {
	for _, e := range []effect{reply{}, push{}, hangUp{}, accept{}, resolve{}, abort{}, isolate{}, loading{}, stall{}, slow{}, lift{}, own{}, release{}, tally{}, done{}} {
		if _, ok := e.(fmt.Stringer); !ok {
			t.Errorf("%T has no String method", e)
		}
	}
	if !slices.Contains(endpointTypes[:], internalFQDN.String()) {
		t.Error("endpoint types have no names")
	}
}
