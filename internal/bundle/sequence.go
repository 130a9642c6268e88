package bundle

import (
	"fmt"
	"time"

	"schload/telemetry/record"
)

// sequence reads the lines of a bundle's intervals in order. They are added up,
// so that no line may hold a time that one before it holds, too.
type sequence struct {
	*canonical
	started  time.Time
	line     int // the one before, with its bounds; 0: there was none
	from, to time.Duration
}

// newSequence begins with a file's first line. With again an interval is valid
// until the next alone.
func newSequence(started time.Time, again bool) *sequence {
	s := &sequence{canonical: newCanonical(), started: started}
	s.again = again
	return s
}

// next returns the interval of line n.
func (s *sequence) next(n int, line []byte) (record.Interval, error) {
	iv, err := s.decode(line, s.started)
	if err != nil {
		return iv, err
	}
	switch {
	case s.line == 0 || iv.From >= s.to:
	case iv.From == s.from && iv.To == s.to:
		return record.Interval{}, fmt.Errorf("it repeats line %d, the interval from %v to %v, which would count twice: take one of the two out, or copy the file again", s.line, iv.From, iv.To)
	default:
		return record.Interval{}, fmt.Errorf("its interval, from %v to %v, begins before that of line %d ends, at %v: what both hold would count twice; copy the file again", iv.From, iv.To, s.line, s.to)
	}
	s.line, s.from, s.to = n, iv.From, iv.To
	return iv, nil
}
