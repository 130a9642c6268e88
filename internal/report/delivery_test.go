package report

import (
	"testing"

	"schload/internal/compare"
)

// Each pool that delivers messages has a block of its own; rows that say
// nothing are left out.
func TestDeliveries(t *testing.T) {
	news := func(lost uint64) compare.Pool {
		d := compare.Delivery{Receivers: 2, Published: 1000, Due: 2000, Delivered: 2000 - lost, Lost: lost}
		d.DeliveryTime.Maintenance = quantilesOf(2000-lost, 0.5, 1, 2, 30)
		if lost > 0 {
			d.Unheard, d.Resubscribed = 3, 2
			d.Gaps = compare.Gaps{Count: 2, Longest: lost / 2, LongestTime: ms(18)}
			d.UnheardTime = compare.Stretch{Longest: ms(22), Total: ms(22)}
			d.ReceiverErrors = map[string]uint64{"eof": 2}
		}
		return compare.Pool{Name: "news", Kind: "pubsub", Delivery: d}
	}
	jobs := compare.Pool{Name: "jobs", Kind: "queue", Delivery: compare.Delivery{Receivers: 1, Published: 10, Due: 10, Delivered: 8, Left: 1, Unknown: 1,
		ReceiverRetries: 4, ReceiverErrors: map[string]uint64{"read_timeout": 3}}}
	s := compare.Summary{RunID: "r", Complete: true, Valid: true, Rounds: 1, Upgrade: compare.Upgrade{Name: "endpoint-rebind", SCHSupport: "full"}}
	for _, a := range []compare.Arm{{Name: "on", Pools: []compare.Pool{news(16), jobs}}, {Name: "off", Pools: []compare.Pool{news(0)}}} {
		a.Operations = compare.Operations{Due: 1010, OK: 1010}
		s.Arms = append(s.Arms, a)
	}
	golden(t, "deliveries", text(t, s))
}
