package experiment

import "schload/handoff/stage"

// calm has a stage that injects faults leave the data alone, or go on.
func (r *run) calm(on bool) {
	if s, ok := r.Stage.(stage.Injecting); ok {
		s.Calm(on)
	}
}

// injected is how many faults the stage did, by kind; nil if none was ordered.
func (r *run) injected() map[string]int {
	if s, ok := r.Stage.(stage.Injecting); ok {
		if ordered, done := s.Injections(); len(ordered) > 0 {
			return done
		}
	}
	return nil
}
