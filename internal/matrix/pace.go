package matrix

import (
	"fmt"
	"math"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/bundle"
)

// Draft is a cell before its pace is known.
type Draft struct {
	Cell
	Upgrade upgrade.Upgrade
	Seed    uint64
	Speed   float64 // the profile's

	// Turns is how many playings a round has: one, or one for each arm where they
	// take turns, each with a warm-up of its own. 0 stands for one.
	Turns int

	Warmup, Baseline, Recovery time.Duration

	// Thresholds are the lengths, by name, at which a stall becomes something
	// else: the client's timeouts, and where the measurement draws its lines.
	Thresholds map[string]time.Duration

	// Resolve returns the resolved profile at a speed.
	Resolve func(speed float64) ([]byte, error)
}

// Pace says how fast a matrix is to be played.
type Pace struct {
	Quick      bool
	Rounds     int
	Parallel   int // cells at a time; 0: one, or with Quick as many as Budget asks for
	Processors int // with Quick, what bounds how many cells are played at a time
}

const (
	// Budget is how long a quick matrix takes at most, if it can.
	Budget = 10 * time.Minute

	// perProcessor is how many cells a processor can play at a time at the rate
	// of a quick matrix: two arms of it take about 3 % of one.
	perProcessor = 6

	// around is what a run takes besides its phases: opening and preloading, the
	// last read-backs, results.
	around = 2 * time.Second

	fastest  = 10 // of a quick matrix
	quickens = 1.05
)

// NewPlan decides on the pace of all cells. A quick matrix plays cells beside
// each other and quickens only what would not end in time otherwise: played
// one after the other, all of them would have to be quickened so much that
// stalls and refusals shrink below what clients notice.
func NewPlan(drafts []Draft, versions bundle.Versions, arms []string, pace Pace) (Plan, error) {
	p := Plan{Versions: versions, Quick: pace.Quick, Parallel: max(1, pace.Parallel), Rounds: pace.Rounds, Arms: arms}
	for _, d := range drafts {
		p.Cells = append(p.Cells, d.Cell)
	}
	if err := p.validate(); err != nil {
		return p, err
	}
	if err := p.setSpeeds(drafts, func(d Draft) float64 { return d.Speed }); err != nil {
		return p, err
	}
	if pace.Quick {
		if err := p.quicken(drafts, pace); err != nil {
			return p, err
		}
	}
	p.Expected = bundle.Seconds(p.expected())
	return p, p.settle(drafts)
}

// quicken looks for the slowest pace that keeps the budget.
func (p *Plan) quicken(drafts []Draft, pace Pace) error {
	most := perProcessor * max(1, pace.Processors)
	if pace.Parallel > 0 {
		most = pace.Parallel
	}
	for least := 1.0; ; least *= quickens {
		err := p.setSpeeds(drafts, func(d Draft) float64 { return p.slowestFor(d, math.Max(least, d.Speed)) })
		if err != nil {
			return err
		}
		for p.Parallel = 1; p.Parallel < most && p.expected() > Budget; p.Parallel++ {
		}
		if pace.Parallel > 0 {
			p.Parallel = pace.Parallel
		}
		if p.expected() <= Budget || least >= fastest {
			return nil
		}
	}
}

// slowestFor is the slowest speed, from least on, at which the cell alone keeps
// the budget.
func (p *Plan) slowestFor(d Draft, least float64) float64 {
	for speed := tenths(least); ; speed = tenths(speed + 0.1) {
		length, err := d.length(p.Rounds, speed)
		if err != nil || length <= Budget || speed >= fastest {
			return speed
		}
	}
}

func tenths(x float64) float64 { return math.Ceil(x*10-1e-6) / 10 }

func (p *Plan) setSpeeds(drafts []Draft, speed func(Draft) float64) error {
	for i, d := range drafts {
		c := &p.Cells[i]
		c.Speed = speed(d)
		length, err := d.length(p.Rounds, c.Speed)
		if err != nil {
			return err
		}
		c.Expected = bundle.Seconds(length)
	}
	return nil
}

// settle writes down what follows from the speeds.
func (p *Plan) settle(drafts []Draft) (err error) {
	for i, d := range drafts {
		c := &p.Cells[i]
		if c.Settings, err = d.Resolve(c.Speed); err != nil {
			return fmt.Errorf("cell %s: %w", c.Name(), err)
		}
		if c.Bends, err = d.bends(c.Speed); err != nil {
			return fmt.Errorf("cell %s: %w", c.Name(), err)
		}
	}
	return nil
}

// length is how long the cell takes: every round draws numbers of its own.
func (d Draft) length(rounds int, speed float64) (time.Duration, error) {
	total := around
	turns := time.Duration(max(1, d.Turns))
	if turns == 1 {
		total += d.Warmup
	}
	for r := range rounds {
		plan, err := d.Upgrade.Plan(d.Seed+uint64(r), speed)
		if err != nil {
			return 0, fmt.Errorf("cell %s: %w", d.Name(), err)
		}
		total += turns * (d.Baseline + plan.Length + d.Recovery)
		if turns > 1 {
			total += turns * d.Warmup
		}
	}
	return total, nil
}
