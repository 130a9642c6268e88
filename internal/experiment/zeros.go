package experiment

import (
	"maps"
	"slices"

	"schload/handoff"
	"schload/handoff/notice"
	"schload/internal/linear"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/delivery"
	"schload/workload/ledger"
)

// mostPeers is how many nodes of a target notices are prepared for. More than
// that are a large cluster, whose series appear with the first notice.
const mostPeers = 4

// zeros are the counts that this run may come to beside those of every run:
// what depends on its upgrade, its target, its ledgers and its pools. They are
// exported at zero before the load begins, see telemetry.Exporter.Prepare.
func (r *run) zeros() (all []record.Count) {
	all = r.zeroEvents()
	for _, a := range r.Config.Arms {
		for _, c := range slices.Concat(zeroCloses(), r.zeroNotices(), r.zeroLedgers(), r.zeroMessages()) {
			c.Arm = a.Name
			all = append(all, c)
		}
	}
	return all
}

func zeroOf(name string, pairs ...string) record.Count {
	c := record.Count{Name: name}
	for i := 0; i < len(pairs); i += 2 {
		c.Attrs = append(c.Attrs, record.Attr{Key: pairs[i], Value: pairs[i+1]})
	}
	return c
}

// zeroEvents are those of the run itself: the notices that a server may push,
// and what the upgrade's steps do.
func (r *run) zeroEvents() (all []record.Count) {
	for kind := range notice.Kind(notice.Kinds) {
		all = append(all, zeroOf(record.MaintenanceEvents, record.AttrSource, "push", record.AttrType, kind.String()))
	}
	steps := map[string]bool{}
	for _, s := range r.Upgrade.Steps {
		steps[string(s.Act)] = true
		if s.Notice != "" {
			steps[s.Notice] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		all = append(all, zeroOf(record.MaintenanceEvents, record.AttrSource, "stage", record.AttrType, name))
	}
	return all
}

func zeroCloses() (all []record.Count) {
	for _, reason := range handoff.CloseReasons() {
		all = append(all, zeroOf(record.ClientClosed, record.AttrClosed, reason))
		for _, by := range []string{handoff.ByClient, handoff.ByServer} {
			all = append(all, zeroOf(record.ConnectionCloses, record.AttrBy, by, record.AttrReason, reason))
		}
	}
	return all
}

// zeroNotices are those of the nodes that arms are connected to.
func (r *run) zeroNotices() (all []record.Count) {
	if len(r.peers) > mostPeers {
		return nil
	}
	for _, node := range slices.Sorted(maps.Keys(r.peers)) {
		for kind := range notice.Kind(notice.Kinds) {
			c := zeroOf(record.ClientNotifications, record.AttrNotice, kind.String())
			c.Attrs = append(peer(node), c.Attrs...)
			all = append(all, c)
		}
	}
	return all
}

// connected remembers the nodes that arms have connections to.
func (r *run) connected(arms []*arm) {
	if r.peers == nil {
		r.peers = map[string]bool{}
	}
	for _, a := range arms {
		for node := range a.client.Observe().Nodes {
			r.peers[node] = true
		}
	}
}

// zeroLedgers are those of before the first round, whose number is 0: where
// rounds are told apart, those of others are born at zero.
func (r *run) zeroLedgers() (all []record.Count) {
	if r.Ledger == 0 {
		return nil
	}
	for _, p := range r.Pools {
		if p.Kind != workload.KindCommands {
			continue
		}
		add := func(name, key string, values ...string) {
			for _, v := range values {
				all = append(all, zeroOf(name, record.AttrPool, p.Name, key, v, record.AttrRound, "0"))
			}
		}
		add(record.IntegrityChecks, record.AttrType, "read", "write")
		for k := range ledger.Kind(ledger.Kinds) {
			add(record.IntegrityViolations, record.AttrType, k.String())
		}
		add(record.IntegrityIndeterminate, record.AttrResult, "applied", "not_applied", "unknown")
		for _, result := range []linear.Result{linear.OK, linear.Violated, linear.Unknown} {
			all = append(all, zeroOf(record.IntegrityLinearizable, record.AttrPool, p.Name, record.AttrResult, result.String()))
		}
	}
	return all
}

// zeroMessages are those of pools that publish.
func (r *run) zeroMessages() (all []record.Count) {
	for _, p := range r.Pools {
		if !p.Kind.Messages() {
			continue
		}
		all = append(all, zeroOf(record.MessageGaps, record.AttrPool, p.Name), zeroOf(record.ReceiverRetries, record.AttrPool, p.Name))
		for result := range delivery.Result(delivery.Results) {
			all = append(all, zeroOf(record.Messages, record.AttrPool, p.Name, record.AttrResult, result.String()))
		}
		for _, turn := range turns {
			if !p.Kind.Blocks() {
				all = append(all, zeroOf(record.ReceiverSubscription, record.AttrPool, p.Name, record.AttrResult, turn))
			}
		}
		all = append(all, zeroOf(record.ReceiverErrors, record.AttrOutcome, "panic", record.AttrPool, p.Name))
		for class := workload.OK + 1; int(class) < workload.Classes; class++ {
			all = append(all, zeroOf(record.ReceiverErrors, record.AttrOutcome, class.String(), record.AttrPool, p.Name))
		}
	}
	return all
}
