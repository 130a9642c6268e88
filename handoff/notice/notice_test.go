package notice_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/notice"
)

// captured are the frames of Redis Enterprise 8.6.2 and Redis Software 8.0.22,
// byte for byte, and MOVING with an endpoint, which differs from the captured
// one in that element alone.
var captured = []struct {
	name   string
	frame  string
	notice notice.Notice
	line   string
}{
	{
		"moving", ">4\r\n$6\r\nMOVING\r\n:0\r\n:15\r\n_\r\n",
		notice.Notice{Kind: notice.Moving, Time: 15 * time.Second},
		"MOVING 0 in 15s to the same name",
	},
	{
		"moving-endpoint", ">4\r\n$6\r\nMOVING\r\n:17\r\n:15\r\n$19\r\n54.78.247.156:12075\r\n",
		notice.Notice{Kind: notice.Moving, Seq: 17, Time: 15 * time.Second, Endpoint: "54.78.247.156:12075"},
		"MOVING 17 in 15s to 54.78.247.156:12075",
	},
	{
		"migrating", ">4\r\n$9\r\nMIGRATING\r\n:0\r\n:2\r\n$6\r\n[\"27\"]\r\n",
		notice.Notice{Kind: notice.Migrating, Time: 2 * time.Second, Shards: []string{"27"}},
		"MIGRATING 0 in 2s shards 27",
	},
	{
		"migrated", ">3\r\n$8\r\nMIGRATED\r\n:1\r\n$6\r\n[\"27\"]\r\n",
		notice.Notice{Kind: notice.Migrated, Seq: 1, Shards: []string{"27"}},
		"MIGRATED 1 shards 27",
	},
	{
		"failing-over", ">4\r\n$12\r\nFAILING_OVER\r\n:0\r\n:2\r\n$6\r\n[\"21\"]\r\n",
		notice.Notice{Kind: notice.FailingOver, Time: 2 * time.Second, Shards: []string{"21"}},
		"FAILING_OVER 0 in 2s shards 21",
	},
	{
		"failed-over", ">3\r\n$11\r\nFAILED_OVER\r\n:1\r\n$6\r\n[\"21\"]\r\n",
		notice.Notice{Kind: notice.FailedOver, Seq: 1, Shards: []string{"21"}},
		"FAILED_OVER 1 shards 21",
	},
	{
		"smigrating", ">3\r\n$10\r\nSMIGRATING\r\n:18\r\n$9\r\n8892-8991\r\n",
		notice.Notice{Kind: notice.SMigrating, Seq: 18, Slots: "8892-8991"},
		"SMIGRATING 18 slots 8892-8991",
	},
	{
		"smigrated", ">3\r\n$9\r\nSMIGRATED\r\n:19\r\n*1\r\n*3\r\n$20\r\n10.129.228.140:13486\r\n$18\r\n10.252.90.18:13486\r\n$9\r\n8892-8991\r\n",
		notice.Notice{Kind: notice.SMigrated, Seq: 19, Moves: []notice.Move{
			{Source: "10.129.228.140:13486", Destination: "10.252.90.18:13486", Slots: "8892-8991"},
		}},
		"SMIGRATED 19 10.129.228.140:13486->10.252.90.18:13486 8892-8991",
	},
}

func TestAppendWritesCapturedFrames(t *testing.T) {
	for _, c := range captured {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.notice.Append([]byte("before"))); got != "before"+c.frame {
				t.Errorf("Append =\n%q, want\n%q", got, "before"+c.frame)
			}
			if got := c.notice.String(); got != c.line {
				t.Errorf("String = %q, want %q", got, c.line)
			}
		})
	}
}

func TestParseReadsCapturedFrames(t *testing.T) {
	for _, c := range captured {
		t.Run(c.name, func(t *testing.T) {
			got, n, err := notice.Parse([]byte(c.frame + "+OK\r\n"))
			if err != nil || n != len(c.frame) {
				t.Fatalf("Parse = %d bytes, %v, want %d", n, err, len(c.frame))
			}
			if diff := cmp.Diff(c.notice, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

// Every proper beginning of a frame is incomplete, never an error.
func TestParseIncomplete(t *testing.T) {
	for _, c := range captured {
		for end := range len(c.frame) {
			if _, n, err := notice.Parse([]byte(c.frame[:end])); n != 0 || !errors.Is(err, notice.ErrIncomplete) {
				t.Errorf("Parse(%q) = %d, %v, want 0, ErrIncomplete", c.frame[:end], n, err)
			}
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 512)
	for _, c := range captured {
		if got := testing.AllocsPerRun(100, func() { c.notice.Append(dst) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, got)
		}
	}
}

func TestAppendManyShards(t *testing.T) {
	n := notice.Notice{Kind: notice.Migrated, Seq: 3, Shards: []string{"2", "4", `a"b\` + "\n<é>"}}
	want := ">3\r\n$8\r\nMIGRATED\r\n:3\r\n$30\r\n[\"2\", \"4\", \"a\\\"b\\\\\\u000a<é>\"]\r\n"
	if got := string(n.Append(nil)); got != want {
		t.Errorf("Append =\n%q, want\n%q", got, want)
	}
	back, _, err := notice.Parse(n.Append(nil))
	if err != nil || !back.Equal(n) {
		t.Errorf("Parse(Append) = %v, %v, want %v", back, err, n)
	}
}

// A client that joins in mid-window is told the whole seconds that remain, and
// a negative number when the time is up.
func TestAppendRoundsTimeDown(t *testing.T) {
	for remaining, want := range map[time.Duration]string{
		14999 * time.Millisecond: ":14\r\n",
		999 * time.Millisecond:   ":0\r\n",
		0:                        ":0\r\n",
		-time.Millisecond:        ":-1\r\n",
		-2 * time.Second:         ":-2\r\n",
	} {
		frame := notice.Notice{Kind: notice.Moving, Time: remaining}.Append(nil)
		if !bytes.Contains(frame, []byte(":0\r\n"+want)) {
			t.Errorf("Append(%v) = %q, want time %q", remaining, frame, want)
		}
	}
}

func TestAppendPanicsOnUnknownKind(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Append of an unknown kind returned, want panic")
		}
	}()
	notice.Notice{Kind: 99}.Append(nil)
}

func TestFromValues(t *testing.T) {
	shards := []string{"27"}
	tests := []struct {
		name   string
		values []any
		want   notice.Notice
	}{
		{"bytes", []any{[]byte("MIGRATED"), int64(1), []byte(`["27"]`)}, notice.Notice{Kind: notice.Migrated, Seq: 1, Shards: shards}},
		{"moving without endpoint", []any{"MOVING", int64(1), int64(4)}, notice.Notice{Kind: notice.Moving, Seq: 1, Time: 4 * time.Second}},
		{"moving, null endpoint", []any{"MOVING", int64(1), int64(-1), nil}, notice.Notice{Kind: notice.Moving, Seq: 1, Time: -time.Second}},
		{"migrating without time", []any{"MIGRATING", int64(1), `["27"]`}, notice.Notice{Kind: notice.Migrating, Seq: 1, Shards: shards}},
		{"failing over, sequence alone", []any{"FAILING_OVER", int64(1)}, notice.Notice{Kind: notice.FailingOver, Seq: 1}},
		{"bare shard id", []any{"FAILED_OVER", int64(1), "27"}, notice.Notice{Kind: notice.FailedOver, Seq: 1, Shards: shards}},
		{"shard ids as numbers", []any{"FAILED_OVER", int64(1), "[27, 3]"}, notice.Notice{Kind: notice.FailedOver, Seq: 1, Shards: []string{"27", "3"}}},
		{"extra elements", []any{"MOVING", int64(1), int64(4), "a:1", int64(9), []any{}}, notice.Notice{Kind: notice.Moving, Seq: 1, Time: 4 * time.Second, Endpoint: "a:1"}},
		{"slots in several elements", []any{"SMIGRATING", int64(1), "0-99", int64(200), "later", nil}, notice.Notice{Kind: notice.SMigrating, Seq: 1, Slots: "0-99,200"}},
		{"no moves", []any{"SMIGRATED", int64(1), []any{}}, notice.Notice{Kind: notice.SMigrated, Seq: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := notice.FromValues(test.values)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("FromValues (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromValuesErrors(t *testing.T) {
	tests := []struct {
		values []any
		want   string
	}{
		{nil, "notice: want a type first, got no elements"},
		{[]any{int64(1)}, "notice: want a type first, got the integer 1"},
		{[]any{"moving", int64(1), int64(15), nil}, `unknown notice "moving": want one of MOVING, MIGRATING, MIGRATED, FAILING_OVER, FAILED_OVER, SMIGRATING, SMIGRATED`},
		{[]any{"MOVING"}, "notice MOVING: element 1: want the sequence id, an integer, got no more elements"},
		{[]any{"MOVING", "17"}, `notice MOVING: element 1: want the sequence id, an integer, got the string "17"`},
		{[]any{"MOVING", int64(1), nil}, "notice MOVING: element 2: want the time in seconds, an integer, got null"},
		{[]any{"MOVING", int64(1), int64(math.MaxInt64)}, "notice MOVING: element 2: want a time of at most 9223372036 seconds, got 9223372036854775807"},
		{[]any{"MOVING", int64(1), int64(1), int64(1)}, "notice MOVING: element 3: want the endpoint, host:port or null, got the integer 1"},
		{[]any{"MIGRATING", int64(1), int64(2)}, `notice MIGRATING: element 3: want the shard ids, JSON text like ["1", "2"], got no more elements`},
		{[]any{"MIGRATED", int64(1), []any{"27"}}, `notice MIGRATED: element 2: want the shard ids, JSON text like ["1", "2"], got an array of 1`},
		{[]any{"MIGRATED", int64(1), "[true]"}, `notice MIGRATED: element 2: want the shard ids, JSON text like ["1", "2"], got "[true]": want shard ids to be strings or whole numbers, got true`},
		{[]any{"SMIGRATING", int64(1), []byte("all")}, `notice SMIGRATING: element 2: want the slots, text like "0-99,200", got the string "all"`},
		{[]any{"SMIGRATED", int64(1), "a:1", "0-99"}, `notice SMIGRATED: element 2: want the moves, an array of [source, destination, slots], got the string "a:1"`},
		{[]any{"SMIGRATED", int64(1), []any{[]any{"a:1", "0-99"}}}, "notice SMIGRATED: element 2: move 0: want [source, destination, slots], got an array of 2"},
		{[]any{"SMIGRATED", int64(1), []any{[]any{"a:1", nil, "0"}}}, "notice SMIGRATED: element 2: move 0: want a string at 1, got null"},
		{[]any{"SMIGRATED", int64(1), 1.5}, "notice SMIGRATED: element 2: want the moves, an array of [source, destination, slots], got a value of type float64"},
	}
	for _, test := range tests {
		if _, err := notice.FromValues(test.values); err == nil || err.Error() != test.want {
			t.Errorf("FromValues(%v) =\n%v, want\n%v", test.values, err, test.want)
		}
	}
}

func TestParseFrames(t *testing.T) {
	long := "+" + strings.Repeat("x", 1<<17)
	tests := []struct {
		frame string
		bytes int    // consumed
		want  string // the notice, or the error when bytes is 0 or the notice is unknown
	}{
		{">4\r\n+MOVING\r\n:1\r\n:15\r\n$-1\r\n", 27, "MOVING 1 in 15s to the same name"},
		{">5\r\n+MOVING\r\n:1\r\n:15\r\n+a:1\r\n%1\r\n#t\r\n,1.5\r\nrest", 42, "MOVING 1 in 15s to a:1"},
		{">6\r\n+FAILED_OVER\r\n:1\r\n+7\r\n~1\r\n=5\r\ntxt:a\r\n!1\r\nE\r\n(12\r\n", 53, "FAILED_OVER 1 shards 7"},
		{">2\r\n+message\r\n:1\r\n", 18, `unknown notice "message": want one of MOVING, MIGRATING, MIGRATED, FAILING_OVER, FAILED_OVER, SMIGRATING, SMIGRATED`},
		{">4\r\n+MOVING\r\n:1\r\n:15\r\n#t\r\n", 26, "notice MOVING: element 3: want the endpoint, host:port or null, got a RESP3 value of type '#'"},
		{"*3\r\n", 0, "notice frame: want a RESP3 push, which begins with '>', got '*'"},
		{">x\r\n", 0, `notice frame byte 1: want an integer, got "x"`},
		{">-2\r\n", 0, "notice frame byte 1: want at most 16384 elements, got -2"},
		{">99999999\r\n", 0, "notice frame byte 1: want at most 16384 elements, got 99999999"},
		{">1\r\n$1048577\r\n", 0, "notice frame byte 5: want at most 1048576 bytes, got 1048577"},
		{">1\r\n$1\r\nabc", 0, "notice frame byte 9: want CR LF after a string of 1 bytes"},
		{">1\r\n@\r\n", 0, "notice frame byte 4: want a RESP3 type, got '@'"},
		{">1\r\n_x\r\n", 0, `notice frame byte 8: want null to be empty, got "x"`},
		{">1\r\n+a\rb", 0, "notice frame byte 7: want LF after CR, got 'b'"},
		{">1\r\n" + long, 0, "notice frame byte 5: line is longer than 65536 bytes"},
		{">1\r\n" + strings.Repeat("*1\r\n", 9), 0, "notice frame byte 36: aggregates nest deeper than 8"},
		{">-1\r\n", 5, "notice: want a type first, got no elements"},
	}
	for _, test := range tests {
		n, consumed, err := notice.Parse([]byte(test.frame))
		got := n.String()
		if err != nil {
			got = err.Error()
		}
		if consumed != test.bytes || got != test.want {
			t.Errorf("Parse(%.60q) = %d, %s, want %d, %s", test.frame, consumed, got, test.bytes, test.want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		captured[1].notice.Append(dst)
	}
}

func BenchmarkParse(b *testing.B) {
	frame := []byte(captured[1].frame)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := notice.Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}
