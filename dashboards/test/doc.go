// Package test holds the boards against the real thing: a scripted run goes
// through package telemetry and OTLP into Prometheus' own receiver, database
// and query engine, all in one process, and every query of every board is
// executed. The compose file is loaded by Compose's own library.
//
// It is a module of its own, because Prometheus brings hundreds of packages
// that schload itself must not depend on. What it cannot see is how Grafana
// draws the results; the preview draws them itself.
package test
