// Package upgrade is the catalog of upgrades: choreographies of maintenance as
// data (catalog/*.yaml), their parser, and the Plan that a seed and a speed
// make of one.
//
// The one invariant: every number of a choreography carries its origin, and a
// Plan is a pure function of (upgrade, settings, seed, speed).
//
// A file names its parameters, each with value, origin and source, and its
// steps, whose instants are sums of parameters:
//
//	parameters:
//	  - name: moving_time
//	    value: 15s
//	    origin: measured
//	    source: captured frame, StackExchange.Redis maintenance notification tests
//	    help: what MOVING announces
//	steps:
//	  - at: op_to_moving + moving_time + moving_close_slack
//	    act: close
//	    node: old
//
// It plays nothing: the simulator (package sim) and the stages on real systems
// (package stage) do. It refuses a file with a number of unknown origin.
package upgrade
