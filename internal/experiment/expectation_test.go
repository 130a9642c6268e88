package experiment

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/compare"
	"schload/workload"
)

// tight are arms whose timeouts a failover outlasts, and that hide nothing.
var tight = []string{"on-noretry+read_timeout=300ms+name=on", "off-noretry+read_timeout=300ms+name=off"}

// What the simulator plays is judged as the vendor documents it, where the run
// can tell; where it cannot, it says so, and what it would take.
func TestExpectations(t *testing.T) {
	for _, test := range []struct {
		name, upgrade string
		arms          []string // default on and off
		rounds        int
		level, want   string
		says          string
	}{
		{"a move, once", "endpoint-rebind", nil, 1, "full", compare.AsDocumented, "on: 0 of 1 537 operations failed or were missed"},
		{"a move", "endpoint-rebind", nil, 6, "full", compare.AsDocumented, "better"},
		{"in place, once", "in-place", nil, 1, "partial", compare.NoEvidence, "whether it is harmed more, only rounds tell"},
		{"in place", "in-place", nil, 6, "partial", compare.AsDocumented, "connections that the server closed: on 48, off 48"},
		{"a version, patient", "version-upgrade", nil, 1, "relaxed", compare.NoEvidence, "profile tight-timeouts"},
		{"a version", "version-upgrade", tight, 10, "relaxed", compare.AsDocumented, "operations that timed out"},
		{"behind a balancer, patient", "privatelink", nil, 6, "relaxed", compare.NoEvidence, "there was none to prevent"},
		{"slots leave, once", "oss-slot-remove", tight, 1, "full", compare.NoEvidence, "redirects that the arm does not follow"},
		{"a restart without notice", "proxy-restart", nil, 6, "none", compare.AsDocumented, "within the limit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() && test.rounds > 1 && test.upgrade != "proxy-restart" {
				t.Skip("what rounds tell is no question of the race detector's; one case of several rounds is")
			}
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newUpgradeBench(t, test.upgrade)
				if test.arms != nil {
					b.use(test.arms...)
				}
				b.settings()
				b.config.Rounds = test.rounds
				_, s := b.run(t.Context())
				if len(s.Expectations) != 1 {
					t.Fatalf("%+v: want one, of the arm on", s.Expectations)
				}
				x := s.Expectations[0]
				// Where both arms are hurt, chance may spread six or ten rounds too far for a
				// verdict; package compare's tests hold the rules to fixed numbers.
				if test.rounds > 1 && test.upgrade != "endpoint-rebind" && x.Verdict == compare.NoEvidence && strings.Contains(strings.Join(x.Reasons, "\n"), "only rounds tell") {
					t.Logf("no evidence this time: %q", x.Reasons)
					return
				}
				if reasons := strings.Join(x.Reasons, "\n"); x.Level != test.level || x.Verdict != test.want || !strings.Contains(reasons, test.says) {
					t.Errorf("%s: %s, want %s: %s and %q\n%s", x.Level, x.Verdict, test.level, test.want, test.says, reasons)
				}
				// After several rounds without evidence chance says whether more would tell
				// which arm is harmed more; none would tell of timeouts.
				if several := test.want == compare.NoEvidence && test.rounds > 1; !several && (x.RoundsNeeded > 0) != (test.want == compare.NoEvidence) {
					t.Errorf("%d rounds needed", x.RoundsNeeded)
				}
				if x.Documented == "" || x.Upgrade != test.upgrade || x.Against != "off" {
					t.Errorf("%+v", x)
				}
			})
		})
	}
}

// Receivers are judged apart, by what is documented of them: nothing. Blocked
// ones take the connections of the operations beside them (docs/FINDINGS.md),
// to which full support is promised.
func TestExpectationsOfReceivers(t *testing.T) {
	for _, test := range []struct {
		kind workload.Kind
		main string // of the operations beside them
	}{
		{workload.KindPubSub, compare.AsDocumented},
		{workload.KindQueue, compare.WorseThan},
	} {
		t.Run(test.kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pool := workload.Pool{Kind: test.kind}
				if test.kind == workload.KindQueue { // blocked for longer than the move takes
					pool.Block, pool.Keys, pool.Schedule.Rate = 40*time.Second, workload.Keys{Space: 8}, workload.Constant(0.2)
				}
				b := newMessageBench(t, "endpoint-rebind", pool, "on", "off")
				_, s := b.run(t.Context())
				if len(s.Expectations) != 2 {
					t.Fatalf("%+v: want one of each pool", s.Expectations)
				}
				if x := s.Expectations[0]; x.Pools[0] != "main" || x.Level != compare.LevelFull || x.Verdict != test.main {
					t.Errorf("%+v, want %s", x, test.main)
				}
				if x := s.Expectations[1]; x.Pools[0] != "news" || x.Level != compare.LevelNone || x.Verdict != compare.AsDocumented {
					t.Errorf("%+v, want receivers that are interrupted as those without handoffs", x)
				}
			})
		})
	}
}
