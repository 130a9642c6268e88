// Package faultinjector serves the HTTP interface of the fault injector with
// which the test suites of Redis clients drive a cluster of Redis Software, so
// that they run against the simulator instead.
//
// The one invariant: a request is answered at once, with the id of a job that
// others wait for; jobs run one after the other and have ended when their last
// effect has happened.
//
// How it is built: one table maps the types of actions to what the control
// plane does (action.go), one the effects of scenarios (scenario.go), and
// rladmin's commands are a third way to the same (rladmin.go).
//
// It refuses what it cannot play, with a reason.
package faultinjector
