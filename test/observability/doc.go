// Package observability is the end-to-end check of what schload exports: a
// real collector and a real Prometheus, built from source by
// make e2e-observability and started with the shipped configurations, are fed
// by the built binary, and what they answer is held against the bundle of the
// same run. The tests skip themselves unless E2E=1.
package observability
