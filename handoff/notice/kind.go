package notice

import "fmt"

// Kind is one of the seven maintenance pushes.
type Kind uint8

// The kinds. The first five belong to databases behind an endpoint, the last
// two to the OSS Cluster API; no database sends both.
const (
	Moving Kind = iota
	Migrating
	Migrated
	FailingOver
	FailedOver
	SMigrating
	SMigrated
	kinds
)

// Kinds is the number of kinds: the size of an array indexed by Kind.
const Kinds = int(kinds)

var kindNames = [Kinds]string{
	"MOVING", "MIGRATING", "MIGRATED", "FAILING_OVER", "FAILED_OVER", "SMIGRATING", "SMIGRATED",
}

// String returns the kind as the wire and our files spell it: FAILING_OVER.
func (k Kind) String() string {
	if int(k) >= Kinds {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// ParseKind is the inverse of String. It is case-sensitive because go-redis
// is: a lower-case name on the wire would reach no client code.
func ParseKind(name string) (Kind, error) {
	for i, known := range kindNames {
		if known == name {
			return Kind(i), nil
		}
	}
	return 0, fmt.Errorf("unknown notice %.40q: want one of %s", name, kindList())
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) {
	if int(k) >= Kinds {
		return nil, fmt.Errorf("notice kind %d does not exist: want 0..%d", uint8(k), Kinds-1)
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	parsed, err := ParseKind(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// Opens reports whether the notice announces something: clients relax their
// timeouts (or, for MOVING, hand off) until the window ends.
func (k Kind) Opens() bool {
	switch k {
	case Moving, Migrating, FailingOver, SMigrating:
		return true
	}
	return false
}

// Closes reports whether the notice ends a window that another kind opened.
func (k Kind) Closes() bool {
	_, ok := k.Opener()
	return ok
}

// Opener returns the kind that opens the window this kind closes: MIGRATING
// for MIGRATED. It is false for the kinds that close nothing.
func (k Kind) Opener() (Kind, bool) {
	switch k {
	case Migrated:
		return Migrating, true
	case FailedOver:
		return FailingOver, true
	case SMigrated:
		return SMigrating, true
	}
	return 0, false
}

// Closer returns the kind that closes the window this kind opens: MIGRATED
// for MIGRATING. It is false for MOVING too: nothing is sent when a proxy has
// left, the connection is closed.
func (k Kind) Closer() (Kind, bool) {
	switch k {
	case Migrating:
		return Migrated, true
	case FailingOver:
		return FailedOver, true
	case SMigrating:
		return SMigrated, true
	}
	return 0, false
}

func kindList() string {
	list := kindNames[0]
	for _, name := range kindNames[1:] {
		list += ", " + name
	}
	return list
}
