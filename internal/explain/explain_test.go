package explain

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
)

// evidence is a run of one arm with handoffs, on which nothing happened.
func evidence(arm compare.Arm, proof bundle.Proof, marks ...mark.Mark) *Evidence {
	arm.Name, proof.Name = "on", "on"
	arm.Operations.Due = max(arm.Operations.Due, 9)
	if arm.SCH.Effective == "" {
		arm.SCH = compare.SCH{Requested: "on", Effective: "on", Connections: 8, OptedIn: 8}
	}
	run := bundle.Run{ID: "r1", Versions: bundle.Versions{GoRedis: "v9.23.0"}, Final: &bundle.Final{Valid: true, Arms: []bundle.Proof{proof}},
		Arms: []bundle.Arm{{Name: "on", Requested: "on", Settings: json.RawMessage(`{"read_timeout":"1s","relaxed_timeout":"10s","post_handoff_relaxed":"20s","max_active_conns":8}`)}}}
	e, err := gather(run, compare.Summary{RunID: "r1", Valid: true, Complete: true, Stage: "sim", Upgrade: compare.Upgrade{Name: "rolling"}, Arms: []compare.Arm{arm}}, marks)
	if err != nil {
		panic(err)
	}
	return e
}

// hidden are the marks of a connection to a node that gave its slots away, which
// ended so and had read of it so long after another one.
func hidden(after time.Duration, why string) []mark.Mark {
	seq, detail, at := int64(4), "SMIGRATED 4 a:1->b:1 0-5461", 10*time.Second
	return []mark.Mark{
		{At: 1 * time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 2, Node: "a:1"},
		{At: at, Kind: mark.Notice, Name: "SMIGRATED", Seq: &seq, Detail: detail, Round: 1, Arm: "on", Conn: 1, Node: "b:1"},
		{At: at + after, Kind: mark.Notice, Name: "SMIGRATED", Seq: &seq, Detail: detail, Round: 1, Arm: "on", Conn: 2, Node: "a:1"},
		{At: at + after, Kind: mark.Close, Name: "server", Detail: why, Round: 1, Arm: "on", Conn: 2, Node: "a:1"},
	}
}

func ids(list []Finding) string {
	var all []string
	for _, f := range list {
		all = append(all, f.ID)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// What a run in virtual time cannot provoke, stated as evidence.
func TestRules(t *testing.T) {
	off := compare.Arm{SCH: compare.SCH{Requested: "auto", Effective: "off", Connections: 8}}
	for name, test := range map[string]struct {
		e    *Evidence
		want string
	}{
		"nothing":           {evidence(compare.Arm{}, bundle.Proof{}), "healthy"},
		"crossed":           {evidence(compare.Arm{CrossedReplies: 3, SilentReplies: 1}, bundle.Proof{}, mark.Mark{At: time.Second, Kind: mark.WrongReply, Name: "crossed_reply", Round: 1, Arm: "on", Conn: 7, Detail: "GET: got OK"}), "crossed-replies"},
		"wrong":             {evidence(compare.Arm{WrongReplies: 3}, bundle.Proof{}), "wrong-replies"},
		"resp2":             {evidence(off, bundle.Proof{Protocols: map[string]uint64{"2": 8}}), "resp3"},
		"resp2 refused":     {evidence(off, bundle.Proof{Refused: 8, RefusedText: "ERR maintenance notifications need RESP3"}), "resp3"},
		"old server":        {evidence(off, bundle.Proof{Server: "redis 7.0.15", Protocols: map[string]uint64{"3": 8}}), "server-version"},
		"nobody knows":      {evidence(off, bundle.Proof{Server: "redis 8.0.2", Protocols: map[string]uint64{"3": 8}}), "opt-in-missing"},
		"off by choice":     {evidence(compare.Arm{SCH: compare.SCH{Requested: "off", Effective: "off", Connections: 8}}, bundle.Proof{}), "healthy"},
		"exhausted":         {evidence(compare.Arm{Operations: compare.Operations{Due: 9, Failed: 2}, Errors: map[string]uint64{"pool_exhausted": 2}}, bundle.Proof{}), "pool-exhausted"},
		"overflow":          {evidence(compare.Arm{Handoffs: compare.Handoffs{Started: 8}, Attribution: compare.Attribution{Dials: compare.Storm{Overflow: 9}}}, bundle.Proof{}), "overflow-dials"},
		"a little overflow": {evidence(compare.Arm{Handoffs: compare.Handoffs{Started: 8}, Attribution: compare.Attribution{Dials: compare.Storm{Overflow: 8}}}, bundle.Proof{}), "healthy"},
		"broken": {evidence(compare.Arm{Handoffs: compare.Handoffs{Started: 8, Succeeded: 7, Failed: 1}, Operations: compare.Operations{Failed: 1}}, bundle.Proof{},
			mark.Mark{At: time.Second, Kind: mark.Handoff, Name: "failed", Round: 1, Arm: "on", Conn: 9, Node: "b:1", Detail: "other"}), "handoff-broken"},
		"no idea": {evidence(compare.Arm{Operations: compare.Operations{Due: 9, Failed: 2}, Errors: map[string]uint64{"other": 2}}, bundle.Proof{}), "unexplained"},
		"a late second close": {evidence(compare.Arm{Notices: map[string]uint64{"MOVING": 1}, Operations: compare.Operations{Due: 9, Failed: 1}, Errors: map[string]uint64{"eof": 1}}, bundle.Proof{},
			mark.Mark{At: 10 * time.Second, Kind: mark.Notice, Name: "MOVING", Duration: 5 * time.Second, Round: 1, Arm: "on", Conn: 1, Node: "a:1"},
			mark.Mark{At: 12 * time.Second, Kind: mark.Dial, Name: "ok", Round: 1, Arm: "on", Conn: 2, Node: "a:1"},
			mark.Mark{At: 15 * time.Second, Kind: mark.Close, Name: "server", Round: 1, Arm: "on", Conn: 2, Node: "a:1"}), "landed-on-leaving-node"},
		"an idle one": {evidence(compare.Arm{Notices: map[string]uint64{"MOVING": 1}}, bundle.Proof{},
			mark.Mark{At: 1 * time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 2, Node: "a:1"},
			mark.Mark{At: 10 * time.Second, Kind: mark.Notice, Name: "MOVING", Duration: 5 * time.Second, Round: 1, Arm: "on", Conn: 1, Node: "a:1"},
			mark.Mark{At: 15 * time.Second, Kind: mark.Close, Name: "server", Round: 1, Arm: "on", Conn: 2, Node: "a:1"}), "healthy never-told"},
		"an unread push":          {evidence(compare.Arm{Notices: map[string]uint64{"SMIGRATED": 2}, Operations: compare.Operations{Due: 9, Failed: 1}, Errors: map[string]uint64{"eof": 1}}, bundle.Proof{}, hidden(10*time.Second, "eof")...), "push-hid-close"},
		"an unread push, retried": {evidence(compare.Arm{Notices: map[string]uint64{"SMIGRATED": 2}}, bundle.Proof{}, hidden(10*time.Second, "eof")...), "healthy push-hid-close"},
		"a push that was read":    {evidence(compare.Arm{Notices: map[string]uint64{"SMIGRATED": 2}}, bundle.Proof{}, hidden(500*time.Millisecond, "eof")...), "healthy"},
		"found before use":        {evidence(compare.Arm{Notices: map[string]uint64{"SMIGRATED": 2}}, bundle.Proof{}, hidden(10*time.Second, "stale")...), "healthy"},
		"after the window": {evidence(compare.Arm{Notices: map[string]uint64{"FAILING_OVER": 1, "FAILED_OVER": 1}, Operations: compare.Operations{Due: 9, Failed: 1}, Errors: map[string]uint64{"read_timeout": 1}}, bundle.Proof{},
			mark.Mark{At: 10 * time.Second, Kind: mark.Notice, Name: "FAILING_OVER", Round: 1, Arm: "on", Conn: 1},
			mark.Mark{At: 10 * time.Second, Duration: 2 * time.Second, Kind: mark.Relaxed, Round: 1, Arm: "on", Conn: 1},
			mark.Mark{At: 12 * time.Second, Kind: mark.Notice, Name: "FAILED_OVER", Round: 1, Arm: "on", Conn: 1},
			mark.Mark{At: 20 * time.Second, Kind: mark.Close, Name: "client", Detail: "timeout", Round: 1, Arm: "on", Conn: 1}), "window-over"},
		"told to others": {evidence(compare.Arm{Notices: map[string]uint64{"FAILING_OVER": 1}, Operations: compare.Operations{Due: 9, Failed: 1}, Errors: map[string]uint64{"read_timeout": 1}}, bundle.Proof{},
			mark.Mark{At: 10 * time.Second, Kind: mark.Notice, Name: "FAILING_OVER", Round: 1, Arm: "on", Conn: 1},
			mark.Mark{At: 14 * time.Second, Kind: mark.Close, Name: "client", Detail: "timeout", Round: 1, Arm: "on", Conn: 2}), "timeout-untold"},
		"told long ago": {evidence(compare.Arm{Notices: map[string]uint64{"FAILING_OVER": 1}, Operations: compare.Operations{Due: 9, Failed: 1}, Errors: map[string]uint64{"read_timeout": 1}}, bundle.Proof{},
			mark.Mark{At: 10 * time.Second, Kind: mark.Notice, Name: "FAILING_OVER", Round: 1, Arm: "on", Conn: 1},
			mark.Mark{At: 100 * time.Second, Kind: mark.Close, Name: "client", Detail: "timeout", Round: 1, Arm: "on", Conn: 2}), "timeout-unannounced"},
	} {
		t.Run(name, func(t *testing.T) {
			list := test.e.Findings()
			if got := ids(list); got != test.want {
				t.Errorf("%s, want %s: %+v", got, test.want, list)
			}
		})
	}
	old := evidence(off, bundle.Proof{})
	old.Run.Versions.GoRedis = "v9.15.1"
	if got := ids(old.Findings()); got != "client-version" {
		t.Errorf("go-redis 9.15: %s", got)
	}
	old.Run.Versions.GoRedis, old.Summary.Cluster = "v9.17.3", true
	if got := ids(old.Findings()); got != "client-version" {
		t.Errorf("go-redis 9.17 on a cluster: %s", got)
	}
}

// The run's own troubles come first, whatever the arms went through.
func TestHarness(t *testing.T) {
	e := evidence(compare.Arm{WrongReplies: 1}, bundle.Proof{})
	e.Summary.Valid, e.Summary.Complete, e.Summary.InvalidReasons = false, false, []string{"arm on: none of its connections opted in"}
	e.Summary.Harness = compare.Harness{Saturated: true, SaturatedReasons: []string{"no free worker"}, MarksDropped: 4}
	list := e.Findings()
	var order []string
	for _, f := range list {
		order = append(order, f.ID)
	}
	if got := strings.Join(order, " "); got != "invalid saturated wrong-replies incomplete marks-dropped" {
		t.Errorf("findings %s", got)
	}
}

// What a server said cannot act on a terminal, or as markup.
func TestHostileText(t *testing.T) {
	arm := compare.Arm{SCH: compare.SCH{Requested: "auto", Effective: "off", Connections: 8}}
	e := evidence(arm, bundle.Proof{Refused: 1, RefusedText: "ERR \x1b[2J<script>|`x`"})
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":     func(b *bytes.Buffer) error { return Text(b, e.Summary, e.Findings()) },
		"markdown": func(b *bytes.Buffer) error { return Markdown(b, e.Summary, e.Findings()) },
		"json":     func(b *bytes.Buffer) error { return JSON(b, e.Summary, e.Findings()) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(out.String(), 0x1b) || name == "markdown" && strings.Contains(out.String(), "<script>") {
			t.Errorf("%s: %s", name, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if name == "text" && len([]rune(line)) > width+1 {
				t.Errorf("longer than a line: %q", line)
			}
		}
		if name == "json" {
			var read struct {
				Schema   string
				Findings []Finding
			}
			if err := json.Unmarshal(out.Bytes(), &read); err != nil || read.Schema != Schema || len(read.Findings) != 1 {
				t.Errorf("json: %v, %+v", err, read)
			}
		}
	}
}

// docs/EXPLAIN.md lists the diagnoses that there are, and no others.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/EXPLAIN.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllSubmatch(page, -1) {
		listed[string(m[1])] = true
	}
	made := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:\bID: |f\.ID, f\.Title(?:, f\.Severity)? = |&reason\{)"([a-z0-9-]+)"`).FindAllSubmatch(source, -1) {
			made[string(m[1])] = true
		}
	}
	if len(made) < 30 {
		t.Errorf("only %d diagnoses found in the source: the pattern is too narrow", len(made))
	}
	for id := range made {
		if !listed[id] {
			t.Errorf("docs/EXPLAIN.md lacks %s", id)
		}
	}
	for id := range listed {
		if !made[id] {
			t.Errorf("docs/EXPLAIN.md lists %s, which no rule makes", id)
		}
	}
}
