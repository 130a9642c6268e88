package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// log is a Sink that keeps everything.
type log struct {
	counts    [Results]uint64
	gaps      []Gap
	silences  [][2]time.Duration
	delivered int
}

func (l *log) Count(r Result, _ time.Duration)        { l.counts[r]++ }
func (l *log) Delivered(time.Duration, time.Duration) { l.delivered++ }
func (l *log) Gap(g Gap)                              { l.gaps = append(l.gaps, g) }
func (l *log) Silence(_ string, from, to time.Duration) {
	l.silences = append(l.silences, [2]time.Duration{from, to})
}
func (l *log) want(t *testing.T, want map[Result]uint64) { t.Helper(); wantCounts(t, l.counts, want) }
func book(l *log, receivers int, shared bool, window int) *Book {
	return New(Config{Arm: "on", Pool: "p", Nonce: 7, Channels: 1, Receivers: receivers, Shared: shared, Window: window, Sink: l})
}

func wantCounts(t *testing.T, got [Results]uint64, want map[Result]uint64) {
	t.Helper()
	for r := range Result(Results) {
		if got[r] != want[r] {
			t.Errorf("%s: got %d, want %d", r, got[r], want[r])
		}
	}
}

// sent is one message of a test.
type sent struct {
	number  uint64
	payload string
}

// send issues a message at an instant.
func send(b *Book, at time.Duration) sent {
	n := b.Issue(0, at, at)
	return sent{n, string(b.AppendToken(nil, 0, n, at)) + "filler"}
}

// publish sends a message that is acknowledged within a millisecond.
func publish(b *Book, at time.Duration) sent {
	s := send(b, at)
	b.End(0, s.number, at+ms, Acknowledged, -1)
	return s
}

// What is tampered with on the way is found, exactly, whatever the seed:
// nothing when nothing was.
func TestTampering(t *testing.T) {
	const messages = 2000
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		drops, doubles, swaps := r.IntN(40), r.IntN(40), r.IntN(40)
		if seed == 0 {
			drops, doubles, swaps = 0, 0, 0
		}
		l := new(log)
		b := book(l, 1, false, 0)
		way := make([]sent, messages)
		for i := range way {
			way[i] = publish(b, time.Duration(i)*10*ms)
		}
		// Places far apart, so that no two of the tamperings meet.
		places := r.Perm(messages / 4)[:drops+doubles+swaps]
		for i, p := range places {
			p *= 4
			switch {
			case i < drops:
				way[p].payload = ""
			case i < drops+doubles:
				way[p+1].payload = way[p].payload + "again"
			default:
				way[p], way[p+1] = way[p+1], way[p]
			}
		}
		lostToDoubles := uint64(doubles) // what the copies replaced
		for i, s := range way {
			if s.payload != "" {
				b.Hear(0, 0, time.Duration(messages+i)*10*ms, s.payload, false)
			}
		}
		b.Settle()
		lost := uint64(drops) + lostToDoubles
		l.want(t, map[Result]uint64{Published: messages, Delivered: messages - lost, Lost: lost, Duplicate: uint64(doubles), OutOfOrder: uint64(swaps)})
		if n := uint64(len(l.gaps)); n != lost {
			t.Errorf("seed %d: %d gaps, want %d of one message each", seed, n, lost)
		}
	}
}

// oracle knows the whole story and judges it by brute force.
type oracle struct {
	issued, ended []time.Duration
	ends          []End
	receipts      [][]time.Duration // by message and ear, -1 never
}

func (o *oracle) verdicts(ears int) (counts [Results]uint64, gaps []string) {
	for i := range o.issued {
		switch o.ends[i] {
		case Acknowledged:
			counts[Published]++
		case Open:
			counts[Indeterminate]++
		}
		for ear := range ears {
			switch {
			case o.ends[i] == Refused:
			case o.receipts[i][ear] >= 0:
				counts[Delivered]++
			case o.ends[i] == Open:
				counts[Unknown]++
			default:
				counts[Lost]++
			}
		}
	}
	for ear := range ears {
		n := 0
		for i := range o.issued {
			switch {
			case o.ends[i] == Refused || o.ends[i] == Open && o.receipts[i][ear] < 0:
			case o.receipts[i][ear] >= 0:
				if n > 0 {
					gaps = append(gaps, fmt.Sprint(ear, n))
				}
				n = 0
			default:
				n++
			}
		}
		if n > 0 {
			gaps = append(gaps, fmt.Sprint(ear, n))
		}
	}
	slices.Sort(gaps)
	return counts, gaps
}

// Random stories, with deliveries before the acknowledgement, across each
// other and in bursts, are judged as the oracle judges them.
func TestOracle(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		receivers, shared := 1+r.IntN(4), r.IntN(2) == 0
		ears := receivers
		if shared {
			ears = 1
		}
		l, o := new(log), new(oracle)
		b := book(l, receivers, shared, 0)
		loss := r.Float64() * 0.3
		type event struct {
			at time.Duration
			do func(at time.Duration)
		}
		var events []event
		n := 200 + r.IntN(800)
		msgs := make([]sent, n)
		for i := range n {
			at := time.Duration(i) * ms
			took := time.Duration(r.IntN(20)) * ms
			end := Acknowledged
			switch r.IntN(12) {
			case 0:
				end = Open
			case 1:
				end = Refused
			}
			o.issued, o.ended, o.ends = append(o.issued, at), append(o.ended, at+took), append(o.ends, end)
			o.receipts = append(o.receipts, slices.Repeat([]time.Duration{-1}, ears))
			events = append(events, event{at, func(at time.Duration) { msgs[i] = send(b, at) }},
				event{at + took, func(at time.Duration) { b.End(0, msgs[i].number, at, end, -1) }})
			for ear := range ears {
				if end == Refused || r.Float64() < loss {
					continue
				}
				receipt := at + time.Duration(1+r.IntN(100))*ms
				o.receipts[i][ear] = receipt
				receiver := ear
				if shared {
					receiver = r.IntN(receivers)
				}
				events = append(events, event{receipt, func(at time.Duration) { b.Hear(0, receiver, at, msgs[i].payload, false) }})
			}
		}
		slices.SortStableFunc(events, func(x, y event) int { return int(x.at - y.at) })
		for _, e := range events {
			e.do(e.at)
		}
		awaited := b.Awaited()
		b.Settle()
		want, gaps := o.verdicts(ears)
		if uint64(awaited) != want[Lost] {
			t.Errorf("seed %d: %d awaited at the end, %d lost", seed, awaited, want[Lost])
		}
		want[OutOfOrder] = l.counts[OutOfOrder] // TestTampering and TestOrder count those
		if l.counts != want {
			t.Fatalf("seed %d: got %v, want %v", seed, l.counts, want)
		}
		var got []string
		for _, g := range l.gaps {
			got = append(got, fmt.Sprint(g.Receiver, g.Messages))
		}
		slices.Sort(got)
		if !slices.Equal(got, gaps) {
			t.Fatalf("seed %d: gaps %v, want %v", seed, got, gaps)
		}
		if l.delivered != int(want[Delivered]) {
			t.Errorf("seed %d: %d delivery times for %d deliveries", seed, l.delivered, want[Delivered])
		}
	}
}

// Only messages of which one was acknowledged before the other was sent have
// an order.
func TestOrder(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	first, second := send(b, 0), send(b, ms)
	b.End(0, first.number, 2*ms, Acknowledged, -1)
	b.End(0, second.number, 3*ms, Acknowledged, -1)
	b.Hear(0, 0, 4*ms, second.payload, false)
	b.Hear(0, 0, 5*ms, first.payload, false) // they were under way together
	third, fourth := publish(b, 10*ms), publish(b, 20*ms)
	b.Hear(0, 0, 30*ms, fourth.payload, false)
	b.Hear(0, 0, 31*ms, third.payload, false)
	fifth, sixth := publish(b, 40*ms), publish(b, 50*ms)
	b.Hear(0, 0, 60*ms, sixth.payload, false)
	b.Hear(0, 0, 61*ms, fifth.payload, true) // asked for: it comes when it comes
	l.want(t, map[Result]uint64{Published: 6, Delivered: 6, OutOfOrder: 1, Redelivered: 1})
}

// Who shares messages loses none that another one got, and each has its own
// order.
func TestShared(t *testing.T) {
	l := new(log)
	b := book(l, 2, true, 0)
	x, y, z := publish(b, 0), publish(b, 10*ms), publish(b, 20*ms)
	b.Hear(0, 1, 30*ms, y.payload, false)
	b.Hear(0, 0, 31*ms, x.payload, false)
	b.Hear(0, 1, 40*ms, x.payload, true)
	b.Leave(0, z.payload)
	b.Settle()
	l.want(t, map[Result]uint64{Published: 3, Delivered: 2, Left: 1, Duplicate: 1, Redelivered: 1})
}

// A publishing whose end nobody saw loses nothing: the server may never have
// had it. One that came all the same was taken.
func TestIndeterminate(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	came, lost, never, surprise := send(b, 0), send(b, 0), send(b, 0), send(b, 0)
	b.Hear(0, 0, ms, surprise.payload, false)
	for _, s := range []sent{came, lost} {
		b.End(0, s.number, ms, Open, -1)
	}
	b.End(0, never.number, ms, Refused, -1)
	b.End(0, surprise.number, ms, Refused, -1)
	b.Hear(0, 0, 2*ms, came.payload, false)
	b.Hear(0, 0, 3*ms, never.payload, false)
	b.Settle()
	l.want(t, map[Result]uint64{Indeterminate: 3, Delivered: 2, Unknown: 1, Foreign: 1})
}

func TestForeign(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	s := publish(b, 0)
	other := book(new(log), 1, false, 0)
	other.Nonce = 8
	for _, payload := range []string{"", "x", publish(other, 0).payload, strings.Replace(s.payload, ".0.0|", ".0.5|", 1),
		strings.Replace(s.payload, ".0.0|", ".9.0|", 1), s.payload[:len(s.payload)/2]} {
		b.Hear(0, 0, ms, payload, false)
	}
	l.want(t, map[Result]uint64{Published: 1, Foreign: 6})
}

// A gap lasts from the last receipt before to the first after it, at the ends
// of the run from when the first was due to the last acknowledgement.
func TestGap(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	var all []sent
	for i := range 10 {
		all = append(all, publish(b, time.Duration(i)*100*ms))
	}
	for _, i := range []int{2, 3, 6} {
		b.Hear(0, 0, time.Duration(i)*100*ms+5*ms, all[i].payload, false)
	}
	b.Settle()
	want := []Gap{
		{Channel: b.Name(0), Messages: 2, Due: 0, From: 0, To: 205 * ms},
		{Channel: b.Name(0), Messages: 2, Due: 400 * ms, From: 305 * ms, To: 605 * ms},
		{Channel: b.Name(0), Messages: 3, Due: 700 * ms, From: 605 * ms, To: 901 * ms},
	}
	if !slices.Equal(l.gaps, want) {
		t.Errorf("got  %+v\nwant %+v", l.gaps, want)
	}
}

func TestSilence(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	for i, reached := range []int{1, 0, 0, 2, 1, 0} {
		at := time.Duration(i) * 100 * ms
		s := send(b, at)
		b.End(0, s.number, at+ms, Acknowledged, reached)
	}
	b.Settle()
	want := [][2]time.Duration{{100 * ms, 300 * ms}, {500 * ms, 501 * ms}}
	if !slices.Equal(l.silences, want) || l.counts[Unheard] != 3 {
		t.Errorf("silences %v, unheard %d, want %v and 3", l.silences, l.counts[Unheard], want)
	}
}

// What is missing is waited for as long as the patience lasts and the window
// holds it, and a verdict is never taken back.
func TestPatienceAndWindow(t *testing.T) {
	l := new(log)
	b := book(l, 1, false, 0)
	late := publish(b, 0)
	b.Advance(DefaultPatience)
	if l.counts[Lost] != 0 {
		t.Error("given up too early")
	}
	b.Advance(DefaultPatience + 1)
	b.Hear(0, 0, 2*DefaultPatience, late.payload, false)
	l.want(t, map[Result]uint64{Published: 1, Lost: 1, Belated: 1})

	l = new(log)
	b = book(l, 1, false, 8*smallest)
	missing := publish(b, 0)
	for i := range 8*smallest - 1 {
		s := publish(b, time.Duration(i+1))
		b.Hear(0, 0, time.Duration(i+1), s.payload, false)
	}
	if l.counts[Lost] != 0 || len(b.channels[0].ring) != 8*smallest {
		t.Errorf("lost %d, ring of %d, want 0 and %d", l.counts[Lost], len(b.channels[0].ring), 8*smallest)
	}
	publish(b, time.Hour)
	b.Hear(0, 0, time.Hour, missing.payload, false)
	l.want(t, map[Result]uint64{Published: 8*smallest + 1, Delivered: 8*smallest - 1, Lost: 1, Belated: 1})
}

// Memory does not grow while nothing is missing.
func TestBounded(t *testing.T) {
	l := new(log)
	b := book(l, 2, false, 0)
	for i := range 10 * smallest {
		s := publish(b, time.Duration(i))
		b.Hear(0, 0, time.Duration(i), s.payload, false)
		b.Hear(0, 1, time.Duration(i), s.payload, false)
	}
	if n := len(b.channels[0].ring); n != smallest {
		t.Errorf("ring of %d, want %d", n, smallest)
	}
}

func FuzzToken(f *testing.F) {
	b := book(new(log), 1, false, 0)
	f.Add(publish(b, ms).payload)
	f.Add("schload:message:on:p:0|7.18446744073709551615.-1|")
	f.Fuzz(func(t *testing.T, payload string) { b.Hear(0, 0, ms, payload, false) })
}
