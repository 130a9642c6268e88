//go:build !linux

package telemetry

import "runtime"

// breathe lets goroutines that wait go first.
func breathe() { runtime.Gosched() }
