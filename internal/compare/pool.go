package compare

import "schload/internal/bundle"

// Pool is what one pool of an arm went through.
type Pool struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind,omitempty"`
	Delivery Delivery `json:"delivery,omitzero"` // of kinds that deliver messages
}

// pools are an arm's pools that have more to tell than the arm.
func (s *sums) poolsOf(arm string, run bundle.Run) (pools []Pool) {
	for _, p := range run.Pools {
		if d := s.delivery(arm, p); d.Receivers > 0 {
			pools = append(pools, Pool{Name: p.Name, Kind: p.Kind, Delivery: d})
		}
	}
	return pools
}
