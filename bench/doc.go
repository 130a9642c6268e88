// Package bench sets schload's recorder beside the recorders others use, on
// the same input. It is a module of its own, so that those are no
// dependencies of the program.
//
//	cd bench && go test -bench Histogram -benchtime 100ms -count 6 | tee new.txt
//	go tool benchstat -col /recorder new.txt      # in the root module
//
// Histogram is one duration into one histogram, Sample is one operation: three
// histograms and what else a recorder needs to tell it. Each runs with one
// goroutine and with 64. Where a recorder is meant to be shared (OpenTelemetry,
// Prometheus) the 64 share it, where it is meant to be owned (schload,
// HdrHistogram) each has its own.
//
// Pairs, Added and Peers set the whole harness beside a bare go-redis loop and
// beside other load generators, each turn in a process of its own.
//
// TestAllocs holds the part of the budget that does not depend on the machine:
// recording allocates nothing. The times are for reading, not for asserting.
package bench
