package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Where the line is: the default run is no trouble for two processors, a rate
// beyond reach is for any number. What lies between depends on the machine and
// is told only, and so is what a machine says that others keep busy.
func TestE2EWhereTheHarnessEnds(t *testing.T) {
	e2e(t)
	for _, tt := range []struct {
		processors, rate int
		saturated        string // yes, no, or "" where the machine decides
	}{
		{2, 1000, "no"}, {2, 5000, ""}, {2, 10_000, ""}, {2, 20_000, ""}, {2, 200_000, "yes"},
		{1, 1000, ""}, {1, 5000, ""}, {1, 10_000, ""}, {1, 20_000, ""}, {1, 200_000, "yes"},
	} {
		t.Run(strconv.Itoa(tt.processors)+"x"+strconv.Itoa(tt.rate), func(t *testing.T) {
			if runtime.NumCPU() < tt.processors {
				t.Skip("fewer processors here")
			}
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(tt.processors))
			others := busyOthers(t)
			s, _ := played(t, "--upgrade", "none", "--speed", "20", "--warmup", "1s", "--baseline", "5s", "--recovery", "500ms", "--rate", strconv.Itoa(tt.rate))
			h := s.Harness
			t.Logf("saturated %v; start lag p50 %v, p99 %v; %.2f of %d processors; workers %+v; little %+v; %q",
				h.Saturated, h.StartLag.P50.Duration(), h.StartLag.P99.Duration(), h.CPU.Baseline, h.CPU.Processors, h.Workers, s.Arms[0].Little, h.SaturatedReasons)
			if busy := others(); h.Saturated && tt.saturated == "no" && busy > 0.2 {
				t.Skipf("other processes took %.1f processors meanwhile: it says nothing about schload", busy)
			}
			if h.Saturated && tt.saturated == "no" || !h.Saturated && tt.saturated == "yes" {
				t.Errorf("saturated %v, want %s: %q", h.Saturated, tt.saturated, h.SaturatedReasons)
			}
		})
	}
}

// busyOthers returns how many processors other processes have kept busy since
// it was called, 0 where the system does not say.
func busyOthers(t *testing.T) func() float64 {
	began, all, own := time.Now(), busyTicks(t), ownTime(t)
	return func() float64 {
		const ticks = 100 // a second: USER_HZ, proc_stat(5)
		taken := (busyTicks(t)-all)/ticks - (ownTime(t) - own).Seconds()
		return max(0, taken) / time.Since(began).Seconds()
	}
}

// busyTicks are the ticks in which a processor neither idled nor waited for
// disks.
func busyTicks(t *testing.T) (sum float64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		if i != 3 && i != 4 && i < 8 { // idle, iowait; guests are counted as users already
			sum += n
		}
	}
	return sum
}

func ownTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
