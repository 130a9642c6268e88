package record

import "fmt"

// Phase is the part of a round a sample belongs to, by its intended instant.
type Phase uint8

// The phases, in order.
const (
	Warmup Phase = iota
	Baseline
	Maintenance
	Recovery
	phases
)

// Phases is the number of phases.
const Phases = int(phases)

var phaseNames = [Phases]string{"warmup", "baseline", "maintenance", "recovery"}

// String returns the phase as files and metrics spell it.
func (p Phase) String() string {
	if int(p) >= Phases {
		return fmt.Sprintf("phase(%d)", uint8(p))
	}
	return phaseNames[p]
}

// MarshalText implements encoding.TextMarshaler.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Phase) UnmarshalText(text []byte) error {
	for i, name := range phaseNames {
		if name == string(text) {
			*p = Phase(i)
			return nil
		}
	}
	return fmt.Errorf("unknown phase %q", text)
}
