// Package isolate gives each arm of a run a process of its own.
//
//	run (hosts the stage, decides on instants) -- Processes --> Lead -- run of one arm
//
// Both ends speak in lines of JSON over the standard input and output of the
// arm's process. Its one invariant: all processes count instants from the same
// base on the clock of the one machine they share, so that an announced phase
// begins at the same instant for all arms.
//
// A process ends when its input does, so that none outlives the run.
//
// It refuses to know what is loaded: what an arm's process needs to know for
// that is passed through.
package isolate
