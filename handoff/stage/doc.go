// Package stage is where an upgrade is played. The simulator (package sim) is
// one stage; this package holds what all stages share and the stage None, for
// runs on which nothing is played.
//
// The one invariant: Play returns when the plan is over or the context is
// done, and every act it performed has left a mark.
package stage
