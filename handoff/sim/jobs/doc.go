// Package jobs runs work one piece at a time and remembers what came of it, as
// the control plane of a database cluster does: whoever asks for work gets an
// id at once and looks later.
//
// The one invariant: at most one job runs, in the order of submission, and
// what is remembered is bounded, however many are asked for.
//
// It knows nothing of databases, nor of HTTP.
package jobs
