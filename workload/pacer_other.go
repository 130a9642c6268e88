//go:build !linux

package workload

import "time"

func newPacer(base time.Time) (Pacer, error) { return NewTimerPacer(base), nil }
