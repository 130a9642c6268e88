package upgrade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schload/internal/yamlfile"
)

// SlotCount is the number of hash slots of a database.
const SlotCount = 16384

// SlotRange is the hash slots From to To, both included.
type SlotRange struct{ From, To int }

// Slots is a set of hash slots: ranges in ascending order that neither overlap
// nor touch. The zero value is empty.
type Slots []SlotRange

// String spells the set as notices do: 0-99,200.
func (s Slots) String() string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(r.From))
		if r.To > r.From {
			b.WriteString("-" + strconv.Itoa(r.To))
		}
	}
	return b.String()
}

// Count is how many slots there are.
func (s Slots) Count() int {
	n := 0
	for _, r := range s {
		n += r.To - r.From + 1
	}
	return n
}

// Has reports whether a slot is in the set.
func (s Slots) Has(slot int) bool {
	for _, r := range s {
		if r.From <= slot && slot <= r.To {
			return true
		}
	}
	return false
}

// Join returns the slots of either set.
func (s Slots) Join(other Slots) Slots {
	all := slices.Concat(s, other)
	slices.SortFunc(all, func(a, b SlotRange) int { return a.From - b.From })
	var joined Slots
	for _, r := range all {
		if last := len(joined) - 1; last >= 0 && r.From <= joined[last].To+1 {
			joined[last].To = max(joined[last].To, r.To)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// Meet returns the slots of both sets.
func (s Slots) Meet(other Slots) Slots {
	var both Slots
	for _, a := range s {
		for _, b := range other {
			if from, to := max(a.From, b.From), min(a.To, b.To); from <= to {
				both = append(both, SlotRange{from, to})
			}
		}
	}
	return both
}

// Without returns the slots that are not in the other set.
func (s Slots) Without(other Slots) Slots {
	gaps, next := Slots(nil), 0
	for _, r := range other {
		if r.From > next {
			gaps = append(gaps, SlotRange{next, r.From - 1})
		}
		next = r.To + 1
	}
	if next < SlotCount {
		gaps = append(gaps, SlotRange{next, SlotCount - 1})
	}
	return s.Meet(gaps)
}

// first returns the n lowest slots.
func (s Slots) first(n int) Slots {
	var part Slots
	for _, r := range s {
		if n <= 0 {
			break
		}
		r.To = min(r.To, r.From+n-1)
		part = append(part, r)
		n -= r.To - r.From + 1
	}
	return part
}

// SlotPick says which of a node's slots a window is about. The zero value picks
// none.
type SlotPick struct {
	Percent int   // of those that the node serves, rounded up; 0: see Count
	Count   int   // so many, the lowest; 0: see Ranges
	Ranges  Slots // these
}

// ParseSlots reads all, a share such as 50%, a count such as 100, or ranges
// such as 8892-8991,9000-9000.
func ParseSlots(text string) (SlotPick, error) {
	fault := func() (SlotPick, error) {
		return SlotPick{}, fmt.Errorf("slots %q: want all, a share such as 50%%, a count such as 100, or ranges of 0-%d such as 8892-8991",
			yamlfile.Clip(text), SlotCount-1)
	}
	if text == "all" {
		return SlotPick{Percent: 100}, nil
	}
	if share, ok := strings.CutSuffix(text, "%"); ok {
		n, ok := within(share, 1, 100)
		if !ok {
			return fault()
		}
		return SlotPick{Percent: n}, nil
	}
	if n, ok := within(text, 1, SlotCount); ok {
		return SlotPick{Count: n}, nil
	}
	var ranges Slots
	for part := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "-")
		low, sound := within(from, 0, SlotCount-1)
		if ok {
			high, soundToo := within(to, low, SlotCount-1)
			ranges, sound = append(ranges, SlotRange{low, high}), sound && soundToo
		} else {
			ranges = append(ranges, SlotRange{low, low})
		}
		if !sound {
			return fault()
		}
	}
	return SlotPick{Ranges: Slots(nil).Join(ranges)}, nil
}

func within(text string, low, high int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && low <= n && n <= high && text[0] != '+'
}

// Of picks from the slots that a node serves: a share is rounded up, so that of
// some slots at least one is picked.
func (p SlotPick) Of(served Slots) Slots {
	switch {
	case p.Percent > 0:
		return served.first((served.Count()*p.Percent + 99) / 100)
	case p.Count > 0:
		return served.first(p.Count)
	}
	return served.Meet(p.Ranges)
}

// All reports whether every slot is picked, whatever a node serves.
func (p SlotPick) All() bool { return p.Percent == 100 }
