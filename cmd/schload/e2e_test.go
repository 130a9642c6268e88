package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/compare"
)

// e2e skips what takes minutes of real time, unless E2E is set (make e2e).
func e2e(t *testing.T) {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("takes minutes; make e2e runs it")
	}
}

// played runs the command line at real pace and returns the summary.
func played(t *testing.T, args ...string) (compare.Summary, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	var stdout, stderr bytes.Buffer
	started := time.Now()
	code := Main(context.Background(), append([]string{"run", "--out", dir}, args...), &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, stderr.String(), stdout.String())
	}
	if took := time.Since(started); took > time.Minute {
		t.Errorf("took %v, want less than a minute", took)
	}
	_, s, err := summarize([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if !s[0].Valid || !s[0].Complete {
		t.Errorf("valid %v, complete %v: %q", s[0].Valid, s[0].Complete, s[0].InvalidReasons)
	}
	return s[0], stdout.String()
}

func both(t *testing.T, s compare.Summary) (on, off compare.Arm) {
	t.Helper()
	on, ok := s.Arm("on")
	off, also := s.Arm("off")
	if !ok || !also {
		t.Fatalf("arms %v", s.Arms)
	}
	return on, off
}

// Ten of ten: with handoffs nothing fails and there is no outage; without, the
// application sits out the gap of 3 s between the close and the late record.
// A reply crossed by the client's own race is a class of its own and told.
func TestE2EDefaultTenTimes(t *testing.T) {
	e2e(t)
	for i := range 10 {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			s, _ := played(t, "--seed", strconv.Itoa(i+1))
			on, off := both(t, s)
			t.Logf("on: %+v, outage %+v; off: %+v, outage %+v; start lag %+v; warnings %q",
				on.Operations, on.Outage, off.Operations, off.Outage, s.Harness.StartLag, s.Warnings)
			if crossed := on.Errors["crossed_reply"]; on.Operations.Failed != crossed || on.Operations.Missed != 0 {
				t.Errorf("on: %+v, errors %v: want no failure", on.Operations, on.Errors)
			}
			if on.Outage.Windows != 0 {
				t.Errorf("on: outage %+v: want none", on.Outage)
			}
			if longest := time.Duration(off.Outage.Longest); longest < 2900*time.Millisecond || off.Operations.Failed == 0 {
				t.Errorf("off: %d failed, longest outage %v: want failures and the gap of 3 s", off.Operations.Failed, longest)
			}
		})
	}
}

func TestE2EEarlyRecord(t *testing.T) {
	e2e(t)
	s, text := played(t, "--set", "dns_offset=4.4s")
	on, off := both(t, s)
	if on.Operations.Failed+off.Operations.Failed != 0 || off.Outage.Windows != 0 {
		t.Errorf("on %+v, off %+v, outage %+v: want no failure and no outage", on.Operations, off.Operations, off.Outage)
	}
	if off.Connections.Dials == 0 || off.Connections.ClosedByServer == 0 {
		t.Errorf("off: %+v: want closed and redialled connections", off.Connections)
	}
	if !bytes.Contains([]byte(text), []byte("What differs is latency, and what the client hides")) {
		t.Errorf("the output does not say that the difference is hidden:\n%s", text)
	}
}

func TestE2ENoAdvantage(t *testing.T) {
	e2e(t)
	for _, name := range []string{"in-place", "proxy-restart"} {
		t.Run(name, func(t *testing.T) {
			s, _ := played(t, "--upgrade", name)
			on, off := both(t, s)
			t.Logf("on: %+v, outage %+v; off: %+v, outage %+v", on.Operations, on.Outage, off.Operations, off.Outage)
			if on.Outage.Windows == 0 || on.Connections.ClosedByServer == 0 {
				t.Errorf("on: outage %+v, connections %+v: want the disconnects", on.Outage, on.Connections)
			}
			a, b := time.Duration(on.Outage.Longest).Seconds(), time.Duration(off.Outage.Longest).Seconds()
			if a < 0.8*b || a > 1.25*b {
				t.Errorf("longest outage on %.3g s, off %.3g s: want them alike", a, b)
			}
		})
	}
}

// Every upgrade of the catalog, in a tenth of its time: the bundle is valid,
// each arm was told what the upgrade tells and nothing else, and the documented
// support shows.
func TestE2EEveryUpgrade(t *testing.T) {
	e2e(t)
	for _, name := range upgrade.Names() {
		t.Run(name, func(t *testing.T) {
			u, err := upgrade.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := played(t, "--upgrade", name, "--speed", "10", "--outage-after", "150ms")
			on, off := both(t, s)
			t.Logf("on: %+v, outage %+v, notices %v; off: %+v, outage %+v", on.Operations, on.Outage, on.Notices, off.Operations, off.Outage)
			for _, a := range []compare.Arm{on, off} {
				if o := a.Operations; o.Due == 0 || o.Due != o.OK+o.Failed+o.Missed {
					t.Errorf("%s: %+v does not add up", a.Name, o)
				}
			}
			if len(off.Notices) > 0 || off.Handoffs.Started > 0 {
				t.Errorf("off was told %v and started %d handoffs", off.Notices, off.Handoffs.Started)
			}
			told(t, u, on)
			supported(t, u, on, off)
		})
	}
}

// told holds what an arm heard against what the upgrade says.
func told(t *testing.T, u upgrade.Upgrade, on compare.Arm) {
	t.Helper()
	sent := map[string]bool{}
	for _, s := range u.Steps {
		sent[s.Notice] = s.Notice != ""
	}
	for _, kind := range []string{"MOVING", "MIGRATING", "MIGRATED", "FAILING_OVER", "FAILED_OVER", "SMIGRATING", "SMIGRATED"} {
		if heard := on.Notices[kind] > 0; heard != sent[kind] {
			t.Errorf("on heard %d %s: want some: %v", on.Notices[kind], kind, sent[kind])
		}
	}
	if (on.Handoffs.Succeeded > 0) != sent["MOVING"] || on.Handoffs.Failed > 0 {
		t.Errorf("handoffs %+v: want some: %v", on.Handoffs, sent["MOVING"])
	}
}

// supported holds what was felt against what is documented.
func supported(t *testing.T, u upgrade.Upgrade, on, off compare.Arm) {
	t.Helper()
	lost := func(a compare.Arm) uint64 { return a.Operations.Failed + a.Operations.Missed }
	switch u.SCH {
	case upgrade.Full:
		if lost(on) > on.CrossedReplies || on.Outage.Windows > 0 {
			t.Errorf("on lost %d operations, outage %+v: want none", lost(on), on.Outage)
		}
		if on.Operations.Late > off.Operations.Late {
			t.Errorf("late: on %d, off %d: want fewer with handoffs", on.Operations.Late, off.Operations.Late)
		}
	case upgrade.None:
		if on.Outage.Windows != off.Outage.Windows {
			t.Errorf("outages: on %+v, off %+v: want no advantage", on.Outage, off.Outage)
		}
	}
}

// A thousand connections and 256 workers, two arms of 500 and 128, at a rate
// that two processors carry: all connections are open and proved before the
// load, none is dialled under it, nothing is left out of the timeline, and the
// memory stays within 200 MB (146 were measured, docs/PERFORMANCE.md). How late
// the harness was, and whether it was saturated, is logged and not asserted:
// other programs on the machine decide on both.
func TestE2EThousandConnections(t *testing.T) {
	e2e(t)
	s, out := played(t, "--upgrade", "none", "--speed", "20", "--workers", "128", "--connections", "500", "--rate", "2000",
		"--warmup", "2s", "--baseline", "10s", "--recovery", "1s")
	t.Log(out)
	on, off := both(t, s)
	if on.SCH.OptedIn != 500 || off.SCH.Connections != 500 {
		t.Errorf("%+v, %+v: want 500 connections each", on.SCH, off.SCH)
	}
	for _, a := range s.Arms {
		if a.Operations.Failed+a.Operations.Missed > 0 || a.Connections.Dials > 0 {
			t.Errorf("arm %s: %+v, %+v: want no failure and no dial under load", a.Name, a.Operations, a.Connections)
		}
	}
	if h := s.Harness; h.MarksDropped > 0 || h.Health.Memory > 200_000_000 {
		t.Errorf("%d marks dropped, %d bytes of memory: want 0 and at most 200 MB", h.MarksDropped, h.Health.Memory)
	}
	t.Logf("saturated %v %q, start lag %+v, %d MB", s.Harness.Saturated, s.Harness.SaturatedReasons, s.Harness.StartLag, s.Harness.Health.Memory/1e6)
}
