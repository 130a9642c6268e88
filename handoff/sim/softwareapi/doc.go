// Package softwareapi serves the part of the REST interface of Redis Software
// from which programs learn what a cluster is like and what it is doing, and
// the requests that start an upgrade.
//
// The one invariant: what it says is the state of the control plane at that
// instant; a request that changes something is a job of the same queue as
// everybody's.
//
// It refuses resources of Redis Software that say nothing of maintenance.
package softwareapi
