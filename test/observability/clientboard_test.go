package observability

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// absentOfClient are the metrics that Redis' own dashboard shows and schload
// has none of, with the reason.
var absentOfClient = map[string]string{
	"redis_client_geofailover_failovers_total":   "the client under test has no failover between regions",
	"redis_client_csc_requests_total":            "client-side caching is not used",
	"redis_client_csc_network_saved_bytes_total": "client-side caching is not used",
	"redis_client_csc_items":                     "client-side caching is not used",
	"redis_client_csc_evictions_total":           "client-side caching is not used",
	"redis_client_pubsub_messages_total":         "schload_messages_total says what became of each message at each receiver",
	"redis_client_stream_lag_seconds_bucket":     "not exported: docs/METRICS.md says why",
}

// shown is how the dashboard shows a metric.
type shown int

const (
	asIs      shown = iota
	perSecond       // of a counter
	quantiles       // p50, p95 and p99 of classic buckets
)

// clientPanel is what a panel reads: a metric with some labels, by others.
type clientPanel struct {
	title  string
	metric string
	shown  shown
	by     string
	pool   bool
}

// clientPanels is what the panels of the "Redis Client Observability Dashboard"
// (redis-developer/redis-client-observability, 033fe86) read: which metric, how,
// and by which labels, that its legends name. It selects by exported_job, and by
// the pool where pool is set.
var clientPanels = []clientPanel{
	{"Active Connections", `db_client_connection_count{db_client_connection_state="idle"}`, asIs, "", false},
	{"Active Connections", `db_client_connection_count{db_client_connection_state="used"}`, asIs, "", false},
	{"Error Rate", `redis_client_errors_total{}`, perSecond, "", false},
	{"Command Latency", `db_client_operation_duration_seconds_bucket{}`, quantiles, "", false},
	{"Error Rate by Type", `redis_client_errors_total{}`, perSecond, "error_type, redis_client_errors_category", false},
	{"Error Rate by Category", `redis_client_errors_total{}`, perSecond, "redis_client_errors_category", false},
	{"Command Latency Percentiles", `db_client_operation_duration_seconds_bucket{}`, quantiles, "db_operation_name", false},
	{"Command Throughput", `db_client_operation_duration_seconds_count{}`, perSecond, "db_operation_name", false},
	{"Command Latency Distribution", `db_client_operation_duration_seconds_bucket{}`, perSecond, "le", false},
	{"Connection Pool State", `db_client_connection_count{}`, asIs, "db_client_connection_state, db_client_connection_pool_name", true},
	{"Connection Creation Time", `db_client_connection_create_time_seconds_bucket{}`, quantiles, "db_client_connection_pool_name", true},
	{"Geo-Failovers Rate", `redis_client_geofailover_failovers_total{}`, perSecond, "db_client_geofailover_fail_from, db_client_geofailover_fail_to", false},
	{"Connection Timeout Relaxations Rate", `redis_client_connection_relaxed_timeout{}`, asIs, "db_client_connection_pool_name, redis_client_connection_notification", true},
	{"Connection Handoffs Rate", `redis_client_connection_handoff_total{}`, perSecond, "db_client_connection_pool_name", true},
	{"Pending Requests", `db_client_connection_pending_requests{}`, asIs, "db_client_connection_pool_name", true},
	{"Connection Closures Rate", `redis_client_connection_closed_total{}`, perSecond, "redis_client_connection_close_reason", false},
	{"Connection Wait Time", `db_client_connection_wait_time_seconds_bucket{}`, quantiles, "db_client_connection_pool_name", true},
	{"Cache Requests Rate", `redis_client_csc_requests_total{}`, perSecond, "redis_client_csc_result", false},
	{"Network Bytes Saved", `redis_client_csc_network_saved_bytes_total{}`, asIs, "", false},
	{"Cached Items", `redis_client_csc_items{}`, asIs, "db_client_connection_pool_name", true},
	{"Cache Evictions Rate", `redis_client_csc_evictions_total{}`, perSecond, "redis_client_csc_reason", false},
	{"Message Rate", `redis_client_pubsub_messages_total{}`, perSecond, "redis_client_pubsub_direction", false},
	{"Message Rate by Channel", `redis_client_pubsub_messages_total{}`, perSecond, "redis_client_pubsub_channel", false},
	{"Stream Lag by Stream", `redis_client_stream_lag_seconds_bucket{}`, quantiles, "redis_client_stream_name", false},
	{"Consumer Performance", `redis_client_stream_lag_seconds_bucket{}`, quantiles, "redis_client_stream_consumer_name, redis_client_stream_name", false},
}

// clientBoard checks that each panel of Redis' own dashboard has something to
// show beside ours, labelled as its legend wants it, or a reason not to. The
// dashboard itself, unmodified, is asked where CLIENT_BOARD names its JSON.
func (s *stack) clientBoard(t *testing.T, r summary) {
	for _, p := range clientPanels {
		metric, labels, _ := strings.Cut(p.metric, "{")
		for _, query := range p.queries(metric, strings.TrimSuffix(labels, "}")) {
			lines := s.over(t, r.from, r.to, query)
			if why := absentOfClient[metric]; (why == "") != (len(lines) > 0) {
				t.Errorf("%s: %d series of %s; a reason for none: %q", p.title, len(lines), query, why)
			}
			for _, line := range lines {
				for _, label := range strings.Split(p.by, ", ") {
					if label != "" && line.Metric[label] == "" {
						t.Errorf("%s: %v has no %s: %s", p.title, line.Metric, label, query)
					}
				}
			}
		}
	}
	relaxed := s.by(t, r.to, "redis_client_connection_notification",
		`sum by (redis_client_connection_notification) (max_over_time(redis_client_connection_relaxed_timeout{exported_job="schload",schload_arm="on"}[10m]))`)
	for _, why := range []string{"HANDOFF", "FAILING_OVER"} { // of the endpoint that moved, and of the failover
		if relaxed[why] == 0 {
			t.Errorf("nothing was relaxed by %s: %v", why, relaxed)
		}
	}
	offered := s.at(t, r.to, `group by (exported_job) (last_over_time({__name__=~"db_client.*|redis_client.*"}[10m]))`)
	if !slices.ContainsFunc(offered, func(line series) bool { return line.Metric["exported_job"] == "schload" }) {
		t.Errorf("the dashboard's variable offers %v, want schload", offered)
	}
}

// queries are those of a panel.
func (p clientPanel) queries(metric, labels string) []string {
	selected := `exported_job=~"schload"`
	if p.pool {
		selected += `,db_client_connection_pool_name=~".+"`
	}
	if labels != "" {
		selected += "," + labels
	}
	selector := metric + "{" + selected + "}"
	switch p.shown {
	case perSecond:
		return []string{fmt.Sprintf("sum by (%s) (rate(%s[4s]))", p.by, selector)}
	case quantiles:
		var out []string
		for _, q := range []string{"0.5", "0.95", "0.99"} {
			out = append(out, fmt.Sprintf("histogram_quantile(%s, sum by (%s) (rate(%s[4s])))", q, strings.Trim("le, "+p.by, ", "), selector))
		}
		return out
	}
	return []string{fmt.Sprintf("sum by (%s) (%s)", p.by, selector)}
}
