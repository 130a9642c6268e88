package notice_test

import (
	"strings"
	"testing"
	"time"

	"schload/handoff/notice"
)

func TestAppendAs(t *testing.T) {
	moving := notice.Notice{Kind: notice.Moving, Seq: 7, Time: 15 * time.Second, Endpoint: "10.0.0.2:6379"}
	migrating := notice.Notice{Kind: notice.Migrating, Seq: 1, Time: 2 * time.Second, Shards: []string{"2", "4"}}
	failing := notice.Notice{Kind: notice.FailingOver, Seq: 1, Time: 2 * time.Second, Shards: []string{"2"}}
	migrated := notice.Notice{Kind: notice.Migrated, Seq: 2, Shards: []string{"2"}}
	smigrating := notice.Notice{Kind: notice.SMigrating, Seq: 3, Slots: "1-5,9"}
	smigrated := notice.Notice{Kind: notice.SMigrated, Seq: 4, Moves: []notice.Move{{Source: "a:1", Destination: "b:1", Slots: "1-5"}}}
	null := notice.Notice{Kind: notice.Moving, Seq: 7, Time: 15 * time.Second}
	for _, test := range []struct {
		shape string
		n     notice.Notice
		want  string
	}{
		{"flat-moves", smigrated, ">4 $9 SMIGRATED :4 $3 b:1 $3 1-5 "},
		{"paired-moves", smigrated, ">3 $9 SMIGRATED :4 *1 *2 $3 b:1 $3 1-5 "},
		{"simple-strings", smigrated, ">3 +SMIGRATED :4 *1 *3 +a:1 +b:1 +1-5 "},
		{"simple-strings", moving, ">4 +MOVING :7 :15 +10.0.0.2:6379 "},
		{"simple-strings", migrating, `>4 +MIGRATING :1 :2 +["2", "4"] `},
		{"split-slots", smigrating, ">4 $10 SMIGRATING :3 $3 1-5 $1 9 "},
		{"no-time", migrating, `>3 $9 MIGRATING :1 $10 ["2", "4"] `},
		{"no-time", failing, ">2 $12 FAILING_OVER :1 "},
		{"no-endpoint", moving, ">3 $6 MOVING :7 :15 "},
		{"bulk-integers", moving, ">4 $6 MOVING $1 7 $2 15 $13 10.0.0.2:6379 "},
		{"lower-case", migrated, `>3 $8 migrated :2 $5 ["2"] `},
		{"trailing", null, ">5 $6 MOVING :7 :15 _ $4 more "},
		{"trailing,lower-case", smigrating, ">4 $10 smigrating :3 $5 1-5,9 $4 more "},
	} {
		shape, err := notice.ParseShape(strings.Split(test.shape, ",")...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(test.n.AppendAs(nil, shape)), "\r\n", " "); got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.shape, got, test.want)
		}
	}
}

// Where a difference says nothing of a kind, its frame is the captured one;
// and what our own parser reads back is the notice, but for what was left out.
func TestShapesKeepTheNotice(t *testing.T) {
	for _, c := range captured {
		if got := string(c.notice.AppendAs(nil, 0)); got != c.frame {
			t.Errorf("%s: no difference =\n%q, want\n%q", c.name, got, c.frame)
		}
		for _, name := range []string{"simple-strings", "split-slots", "trailing"} {
			shape, _ := notice.ParseShape(name)
			frame := c.notice.AppendAs(nil, shape)
			got, n, err := notice.Parse(frame)
			if err != nil || n != len(frame) || !got.Equal(c.notice) {
				t.Errorf("%s as %s = %q: read back as %v, %v", c.name, name, frame, got, err)
			}
		}
	}
}

func TestParseShape(t *testing.T) {
	all, err := notice.ParseShape(notice.ShapeNames()...)
	if err != nil || all.String() != strings.Join(notice.ShapeNames(), ",") {
		t.Errorf("all = %v, %v", all, err)
	}
	if got := notice.Shape(0).String(); got != "captured" {
		t.Errorf("none = %q", got)
	}
	if _, err := notice.ParseShape("round"); err == nil || !strings.Contains(err.Error(), "flat-moves") {
		t.Errorf("unknown shape: got %v, want the list", err)
	}
}
