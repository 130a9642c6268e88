package compare

import (
	"fmt"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/delivery"
)

// Delivery is what became of a pool's messages, warm-up left out, by when they
// were due. Due = Delivered + Lost + Left + Unknown: one verdict for each
// message that the server took or may have taken and receiver that was to have
// it.
type Delivery struct {
	Receivers     int    `json:"receivers"`     // of each channel
	Published     uint64 `json:"published"`     // messages that the server acknowledged
	Unheard       uint64 `json:"unheard"`       // of these, reached nobody by its own account
	Indeterminate uint64 `json:"indeterminate"` // messages whose publishing nobody saw end

	Due       uint64 `json:"due"`
	Delivered uint64 `json:"delivered"`
	Lost      uint64 `json:"lost"`    // acknowledged, and never delivered
	Left      uint64 `json:"left"`    // still with the server at the end
	Unknown   uint64 `json:"unknown"` // not delivered, and perhaps never published

	Duplicates  uint64 `json:"duplicates"`
	Redelivered uint64 `json:"redelivered"` // came because a consumer asked for what it had not confirmed
	OutOfOrder  uint64 `json:"out_of_order"`
	Foreign     uint64 `json:"foreign"`
	Belated     uint64 `json:"belated"` // came after their verdict

	Gaps         Gaps      `json:"gaps"`
	UnheardTime  Stretch   `json:"unheard_s"` // in which messages of a channel reached nobody
	DeliveryTime PhaseTime `json:"delivery_time_s"`

	ReceiverErrors  map[string]uint64 `json:"receiver_errors"`  // by outcome class
	ReceiverRetries uint64            `json:"receiver_retries"` // tries the client made unasked
	Resubscribed    uint64            `json:"resubscribed"`     // subscriptions that were confirmed once more
	Unsubscribed    uint64            `json:"unsubscribed"`     // subscriptions that the server ended
}

// Gaps are runs of messages that one receiver lost.
type Gaps struct {
	Count       uint64         `json:"count"`
	Longest     uint64         `json:"longest"`   // messages
	LongestTime bundle.Seconds `json:"longest_s"` // from the last receipt before to the first after
}

// Stretch is time, in spans.
type Stretch struct {
	Longest bundle.Seconds `json:"longest"`
	Total   bundle.Seconds `json:"total"` // added up over channels
}

// PhaseTime are durations by phase.
type PhaseTime struct {
	Baseline    Quantiles `json:"baseline"`
	Maintenance Quantiles `json:"maintenance"`
	Recovery    Quantiles `json:"recovery"`
}

// delivery adds up what a pool's messages came to; zero for a pool that
// delivers none.
func (s *sums) delivery(arm string, p bundle.Pool) Delivery {
	if p.Receivers == 0 {
		return Delivery{}
	}
	is := s.messages(arm, p.Name, measured)
	errors := s.receivers(arm, p.Name, record.ReceiverErrors, record.AttrOutcome)
	turns := s.receivers(arm, p.Name, record.ReceiverSubscription, record.AttrResult)
	level := func(name, kind string) float64 { return s.level(arm, p.Name, name, kind) }
	time := func(phase record.Phase) Quantiles { return quantiles(s.deliveryTime(arm, p.Name, phase)) }
	d := Delivery{
		Receivers: p.Receivers, Published: is(delivery.Published), Unheard: is(delivery.Unheard), Indeterminate: is(delivery.Indeterminate),
		Delivered: is(delivery.Delivered), Lost: is(delivery.Lost), Left: is(delivery.Left), Unknown: is(delivery.Unknown),
		Duplicates: is(delivery.Duplicate), Redelivered: is(delivery.Redelivered), OutOfOrder: is(delivery.OutOfOrder),
		Foreign: is(delivery.Foreign), Belated: is(delivery.Belated),
		Gaps:            Gaps{s.gapCount(arm, p.Name), uint64(level(record.MessageGapLongest, "")), seconds(level(record.MessageGapTime, ""))},
		UnheardTime:     Stretch{seconds(level(record.MessageUnheardTime, "longest")), seconds(level(record.MessageUnheardTime, "total"))},
		DeliveryTime:    PhaseTime{time(record.Baseline), time(record.Maintenance), time(record.Recovery)},
		ReceiverErrors:  errors,
		ReceiverRetries: total(s.receivers(arm, p.Name, record.ReceiverRetries, "")),
		Resubscribed:    turns["again"], Unsubscribed: turns["ended"],
	}
	d.Due = (d.Published + d.Indeterminate) * shares(p)
	return d
}

// shares is how many deliveries of each message a pool owes.
func shares(p bundle.Pool) uint64 {
	var kind workload.Kind
	if kind.UnmarshalText([]byte(p.Kind)) == nil && kind.Shares() {
		return 1
	}
	return uint64(p.Receivers)
}

// messages counts a pool's messages of the phases that keep accepts.
func (s *sums) messages(arm, pool string, keep func(phase string) bool) func(delivery.Result) uint64 {
	by := map[string]uint64{}
	for _, c := range s.whole.Counts() {
		if c.Name == record.Messages && c.Arm == arm && attr(c, record.AttrPool) == pool && keep(phaseOf(c)) {
			increase(&by, attr(c, record.AttrResult), c.Value)
		}
	}
	return func(r delivery.Result) uint64 { return by[r.String()] }
}

func (s *sums) gapCount(arm, pool string) (n uint64) {
	for _, c := range s.whole.Counts() {
		if c.Name == record.MessageGaps && c.Arm == arm && attr(c, record.AttrPool) == pool && measured(phaseOf(c)) {
			n += c.Value
		}
	}
	return n
}

// receivers adds up a counter of a pool's receivers by one attribute, after
// warm-up.
func (s *sums) receivers(arm, pool, name, key string) map[string]uint64 {
	by := map[string]uint64{}
	for _, c := range s.after.Counts() {
		if c.Name == name && c.Arm == arm && attr(c, record.AttrPool) == pool {
			increase(&by, attr(c, key), c.Value)
		}
	}
	return by
}

// level returns a pool's gauge as it was last.
func (s *sums) level(arm, pool, name, kind string) float64 {
	for _, l := range s.whole.Levels() {
		if l.Name == name && l.Arm == arm && levelAttr(l, record.AttrPool) == pool && levelAttr(l, record.AttrType) == kind {
			return l.Value
		}
	}
	return 0
}

func (s *sums) deliveryTime(arm, pool string, phase record.Phase) *histogram.Histogram {
	h := new(histogram.Histogram)
	for _, x := range s.whole.Series() {
		if x.Arm == arm && x.Pool == pool && x.Phase == phase && x.Delivery != nil {
			h.Merge(x.Delivery)
		}
	}
	return h
}

// undelivered holds the verdicts on messages against what was published, over
// the whole run: each message has one for each receiver that was to have it.
func undelivered(arm string, p bundle.Pool, s *sums) (broken []string) {
	is := s.messages(arm, p.Name, func(string) bool { return true })
	due := (is(delivery.Published) + is(delivery.Indeterminate)) * shares(p)
	verdicts := is(delivery.Delivered) + is(delivery.Lost) + is(delivery.Left) + is(delivery.Unknown)
	if p.Receivers > 0 && due != verdicts {
		broken = append(broken, fmt.Sprintf("arm %s: pool %s: %s deliveries were due, but %s delivered + %s lost + %s left + %s unknown = %s",
			arm, p.Name, bundle.Count(due), bundle.Count(is(delivery.Delivered)), bundle.Count(is(delivery.Lost)), bundle.Count(is(delivery.Left)), bundle.Count(is(delivery.Unknown)), bundle.Count(verdicts)))
	}
	return broken
}

// judgeMessages disqualifies a run that ended whose messages do not add up.
func (s *Summary) judgeMessages(run bundle.Run, sums *sums) {
	if run.Final == nil {
		return // its verdicts were still to come
	}
	for _, a := range s.Arms {
		for _, p := range run.Pools {
			s.disqualify(undelivered(a.Name, p, sums)...)
		}
	}
	s.Valid = len(s.InvalidReasons) == 0
}
