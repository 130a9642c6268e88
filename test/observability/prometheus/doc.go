// Package prometheus pins the Prometheus that the end-to-end checks are run
// against; its own module keeps what it needs away from schload's. It holds no
// code: build github.com/prometheus/prometheus/cmd/prometheus in this folder.
package prometheus
