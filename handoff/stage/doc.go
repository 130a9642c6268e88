// Package stage is where an upgrade is played. The simulator (package sim) is
// one stage; this package holds what all stages share and those without a
// simulator: Manual, on which an operator says when the upgrade begins and
// ends, Command, on which a command of the user's is the upgrade,
// FaultInjector, on which a service with that name is asked for it, and None,
// for runs on which nothing is played.
//
// The one invariant: Play returns when the upgrade is over or the context is
// done, and every act it performed, or was told of, has left a mark.
//
// It speaks to no Redis. What an operator marks, a command prints or a fault
// injector answers is taken as it comes and bounded: in length, and in number
// for each round.
package stage
