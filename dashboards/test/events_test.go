package test

import (
	"time"

	"schload/handoff/notice"
	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// What the story counts beside operations.
const (
	relaxedSaved = 7 // operations saved by relaxed timeouts
	retried      = 4 // saved by retries
	lost         = 3 // messages off lost
	stale        = 2 // stale reads of off
	checked      = 50
)

const oldNode, newNode = "127.0.0.2:6379", "127.0.0.3:6379"

func attrs(pairs ...string) (out []record.Attr) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, record.Attr{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func count(name, arm string, n uint64, pairs ...string) record.Count {
	return record.Count{Name: name, Arm: arm, Value: n, Attrs: attrs(pairs...)}
}

// events are what clients and stage counted in the second from an instant.
func events(from time.Duration) []record.Count {
	switch from {
	case 0:
		return []record.Count{
			count(record.ConnectionDials, "on", pool, record.AttrResult, "ok"),
			count(record.ConnectionDials, "off", pool, record.AttrResult, "ok"),
			count(record.IntegrityChecks, "on", checked, record.AttrPool, "main", record.AttrType, "read"),
			count(record.IntegrityChecks, "off", checked, record.AttrPool, "main", record.AttrType, "read"),
		}
	case announced:
		return []record.Count{
			count(record.MaintenanceEvents, "", 1, record.AttrSource, "push", record.AttrType, notice.Moving.String()),
			count(record.ClientNotifications, "on", pool, record.AttrNotice, notice.Moving.String()),
			count(record.Handoffs, "on", pool, record.AttrResult, "started"),
			count(record.RelaxedWindows, "on", pool, record.AttrResult, "begun"),
		}
	case announced + time.Second:
		return []record.Count{
			count(record.Handoffs, "on", pool, record.AttrResult, "succeeded"),
			count(record.ConnectionDials, "on", pool, record.AttrResult, "ok"),
			count(record.ConnectionCloses, "on", pool, record.AttrBy, "client", record.AttrReason, "handoff"),
			count(record.ConnectionsLeaving, "on", pool, record.AttrResult, "handed_over"),
			count(record.OperationsSaved, "on", relaxedSaved, record.AttrBy, "relaxed_timeouts"),
		}
	case broken:
		return []record.Count{
			count(record.ConnectionCloses, "off", pool, record.AttrBy, "server", record.AttrReason, "eof"),
			count(record.ConnectionDials, "off", 5, record.AttrResult, "dial_refused"),
			count(record.DialsSurplus, "off", 5, record.AttrReason, "failed"),
			count(record.AttemptsHidden, "off", retried, record.AttrPool, "main"),
			count(record.OperationsSaved, "off", retried, record.AttrBy, "retries"),
			count(record.IntegrityIndeterminate, "off", 1, record.AttrPool, "main", record.AttrResult, "applied"),
		}
	case back:
		return []record.Count{
			count(record.ConnectionDials, "off", pool, record.AttrResult, "ok"),
			count(record.IntegrityViolations, "off", stale, record.AttrPool, "main", record.AttrType, "stale_read"),
		}
	}
	return nil
}

// messages are published and delivered ten a second, but three.
func messages(from time.Duration) []record.Count {
	phase := phaseAt(from).String()
	of := func(arm, result string, n uint64) record.Count {
		return count(record.Messages, arm, n, record.AttrPool, "feed", record.AttrResult, result, record.AttrPhase, phase)
	}
	out := []record.Count{of("on", "published", 10), of("on", "delivered", 10), of("on", "lost", 0), of("off", "published", 10)}
	if from == broken {
		return append(out, of("off", "delivered", 10-lost), of("off", "lost", lost))
	}
	return append(out, of("off", "delivered", 10), of("off", "lost", 0))
}

func phaseAt(at time.Duration) record.Phase {
	switch {
	case at >= over:
		return record.Recovery
	case at >= announced:
		return record.Maintenance
	case at >= warm:
		return record.Baseline
	}
	return record.Warmup
}

// deliveries are how long messages took.
func deliveries(from time.Duration) (out []record.Series) {
	for arm, took := range map[string]time.Duration{"on": time.Millisecond, "off": 2 * time.Millisecond} {
		times := new(histogram.Histogram)
		times.Record(took)
		out = append(out, record.Series{Key: record.Key{Arm: arm, Pool: "feed", Phase: phaseAt(from), Round: 1}, Delivery: times})
	}
	return out
}

// takeovers are the handoffs of on.
func takeovers(from time.Duration) (out []record.Distribution) {
	if from != announced+time.Second {
		return nil
	}
	for since, took := range map[string]time.Duration{"dial": 2 * time.Millisecond, "notice": 3 * time.Millisecond} {
		times := new(histogram.Histogram)
		for range pool {
			times.Record(took)
		}
		out = append(out, record.Distribution{Name: record.HandoffDuration, Arm: "on", Attrs: attrs(record.AttrFrom, since), Times: times})
	}
	return out
}

func level(name, arm string, value float64, pairs ...string) record.Level {
	return record.Level{Name: name, Arm: arm, Value: value, Attrs: attrs(pairs...)}
}

// states are the gauges at the end of the second from an instant.
func states(from time.Duration) []record.Level {
	window, relaxed := 0.0, 0.0
	if from >= announced && from < over {
		window, relaxed = 1, pool
	}
	onNode, offNode := oldNode, oldNode
	if from > announced {
		onNode = newNode
	}
	gap := 0.0
	if from >= broken {
		gap = 0.3
	}
	out := []record.Level{
		level(record.MaintenanceActive, "", window, record.AttrType, notice.Moving.String()),
		level(record.ConnectionsRelaxed, "on", relaxed),
		level(record.ConnectionsRelaxed, "off", 0),
		level(record.Connections, "on", pool, record.AttrNode, onNode),
		level(record.MessageGapTime, "on", 0, record.AttrPool, "feed"),
		level(record.MessageGapTime, "off", gap, record.AttrPool, "feed"),
		level(record.RunInfo, "", 1, "client.version", "v9.23.0", "config.hash", "abc", "seed", "7"),
	}
	out = append(out, harness()...)
	if from >= broken && from < back {
		return append(out, level(record.Connections, "off", 0, record.AttrNode, oldNode))
	} else if from >= back {
		offNode = newNode
	}
	return append(out, level(record.Connections, "off", pool, record.AttrNode, offNode))
}

// harness is the health of the harness, the same all the time.
func harness() []record.Level {
	out := []record.Level{
		level(record.HarnessCPU, "", 0.2), level(record.HarnessSteal, "", 0), level(record.HarnessMemory, "", 64<<20),
	}
	for _, reason := range bundle.Reasons {
		out = append(out, level(record.HarnessSaturated, "", 0, record.AttrReason, reason))
	}
	for _, name := range []string{record.HarnessStartLag, record.HarnessSchedLatency, record.HarnessGCPause} {
		for quantile, value := range map[string]float64{"0.5": 50e-6, "0.99": 300e-6, "1": 1e-3} {
			out = append(out, level(name, "", value, record.AttrQuantile, quantile))
		}
	}
	for _, arm := range []string{"on", "off"} {
		out = append(out, level(record.HarnessWorkersFull, arm, 0, record.AttrPool, "main"), level(record.HarnessInFlight, arm, 0.1, record.AttrPool, "main"))
	}
	return out
}
