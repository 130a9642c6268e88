// Package dashboards builds the Grafana boards that show what was measured,
// and holds the configuration of the stack around it: Grafana's provisioning,
// Prometheus and the OpenTelemetry collector.
//
// The one invariant: a board is a pure function of this code. The JSON files
// below grafana/boards are generated from it (go test ./dashboards -update),
// never edited, and every name a query uses is one that package record lists.
// The module in dashboards/test runs each query on a real Prometheus engine.
//
// It refuses transformations but in tables, whose rows must meet: what a panel
// shows is what its query returns, so a test of the query is a test of the panel.
// How Grafana draws it is the part no test here can see.
package dashboards
