// Package control is the control plane of a simulated cluster: it creates and
// deletes databases, knows where their shards are, and turns the requests of
// administrators into upgrades that the simulator plays.
//
// The one invariant: what it says of a database is what a client of that
// database can observe: a request ends when its last effect has happened.
//
// It speaks no HTTP: the interfaces through which other programs reach it are
// packages of their own (faultinjector, softwareapi).
package control
