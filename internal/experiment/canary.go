package experiment

import (
	"context"
	"fmt"
	"strings"

	"schload/handoff"
	"schload/telemetry/mark"
	"schload/workload"
)

// A canary asks a target at a low rate whether it answers, over a client that
// nobody else uses: a queue before the other pools' workers, or a connection
// pool they have exhausted, does not concern it. What its client does (dials,
// closes, notices, handoffs) is the canary's and not the arm's, and is left
// out of the arm's account; only what it was found to be counts: a canary that
// is not what its arm claims disqualifies the run like the arm itself.

// openCanaries opens the clients of an arm's canaries.
func (r *run) openCanaries(ctx context.Context, a *arm, config handoff.Arm) error {
	a.canary = make([]*handoff.Client, len(r.Pools))
	for i, p := range r.Pools {
		if p.Kind != workload.KindCanary {
			continue
		}
		client, err := r.Open(ctx, config, r.ofCanary(p.Name))
		if err != nil {
			return fmt.Errorf("pool %s: %w", p.Name, err)
		}
		a.canary[i] = client
		if err := client.Warm(ctx, p.Workers); err != nil {
			return fmt.Errorf("pool %s: %w", p.Name, err)
		}
	}
	return nil
}

// ofCanary passes on the evidence of wrong replies, and nothing else: the marks
// of an arm number its own connections.
func (r *run) ofCanary(pool string) mark.Sink {
	return func(m mark.Mark) {
		if m.Kind == mark.WrongReply {
			m.Pool, m.Conn = pool, 0
			r.Timeline.Mark(m)
		}
	}
}

// target is what a pool of the arm loads.
func (a *arm) target(pool int) *handoff.Client {
	if canary := a.canary[pool]; canary != nil {
		return canary
	}
	return a.client
}

// unproved says what keeps the arm from being what it claims; "" for nothing.
func (a *arm) unproved() string {
	var wrong []string
	for _, client := range append([]*handoff.Client{a.client}, a.canary...) {
		if client == nil {
			continue
		}
		if proof := client.Proof(); !proof.Valid {
			who := "arm " + a.name
			if client != a.client {
				who = "the canary of " + who
			}
			wrong = append(wrong, who+" is not what it claims: "+join(proof.Reasons))
		}
	}
	return strings.Join(wrong, "; ")
}

func (a *arm) closeCanaries() {
	for _, client := range a.canary {
		if client != nil {
			client.Close()
		}
	}
}
