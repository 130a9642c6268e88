// Package vitals reads the vital signs of this process and its machine:
// processor time, what the hypervisor took, how long goroutines waited for a
// processor, pauses of the garbage collector, file descriptors, TCP ports and
// steps of the clock. A load generator that was starved says nothing about its
// target; these signs tell.
//
// The one invariant: what the system does not tell is unknown, never zero. A
// reading takes some 100 us and is meant to be taken once a second.
//
// It judges nothing: thresholds are those of package compare.
package vitals
