package experiment

import (
	"context"
	"errors"

	"schload/handoff"
	"schload/workload"
)

// attach opens arms and warms each with as many connections as it has workers
// and receivers, or more, so that none of them has to dial while it is
// measured. An error leaves none open.
func (r *run) attach(ctx context.Context, configs []handoff.Arm) (err error) {
	var opened []*arm
	defer func() {
		if err != nil {
			closeAll(opened)
		}
	}()
	workers := 0
	for _, p := range r.Pools {
		workers += p.WithDefaults().Connections()
	}
	for _, config := range configs {
		s := r.standings[config.Name]
		a := &arm{name: config.Name, connsBefore: s.conns.Load(), sinks: s.sinks, occupancy: occupancies(r.Pools), load: make([]workload.Load, len(r.Pools))}
		if a.client, err = r.Open(ctx, config, s.numbered(r.Timeline.Mark)); err != nil {
			return err
		}
		opened = append(opened, a)
		if r.tracing() {
			a.client.TellConnections(a.connsBefore)
		}
		if err = a.client.Warm(ctx, max(workers, r.Connections)); err != nil {
			return err
		}
		if err = r.openCanaries(ctx, a, config); err != nil {
			return err
		}
		if reasons := a.unproved(); reasons != "" {
			return errors.New(reasons)
		}
	}
	if r.turns <= 1 && (r.Lead == nil || r.Turn.Place == 0) { // what is there stays; of arms with processes the first one's writes it
		if err = r.preload(ctx, opened[0].client); err != nil {
			return err
		}
	}
	if err = r.openLedgers(ctx, opened); err != nil {
		return err
	}
	if err = r.openExchanges(ctx, opened); err != nil {
		return err
	}
	r.attaching.Lock()
	defer r.attaching.Unlock()
	r.arms = opened
	return nil
}

// detach ends the account of the arms that are open with a reading, and closes
// them.
func (r *run) detach() {
	r.conclude()
	read := make(chan struct{})
	r.over <- read
	<-read
	r.attaching.Lock()
	closing := r.arms
	r.arms = nil
	r.retire(closing)
	r.attaching.Unlock()
	closeAll(closing)
}

// conclude has the clients make up what depends on what comes later.
func (r *run) conclude() {
	for _, a := range r.arms {
		a.client.Conclude()
	}
}

func (r *run) retire(arms []*arm) {
	for _, a := range arms {
		r.standings[a.name].retire(a)
	}
}

// attached returns the arms that are open.
func (r *run) attached() []*arm {
	r.attaching.Lock()
	defer r.attaching.Unlock()
	return r.arms
}

func (r *run) closeClients() {
	if r.Processes != nil {
		r.Processes.Kill()
	}
	closeAll(r.arms)
}

func closeAll(arms []*arm) {
	for _, a := range arms {
		a.client.Close()
		a.closeCanaries()
	}
}
