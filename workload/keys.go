package workload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Distribution is how often each key is used.
type Distribution uint8

// The distributions.
const (
	Uniform    Distribution = iota // all keys alike
	Zipf                           // the k-th key proportionally to 1/k^Exponent
	Sequential                     // operation i uses key i modulo Space
)

var distributionNames = []string{"uniform", "zipf", "sequential"}

// String returns the distribution as profiles and flags spell it.
func (d Distribution) String() string { return nameOf("distribution", distributionNames, d) }

// MarshalText implements encoding.TextMarshaler.
func (d Distribution) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Distribution) UnmarshalText(text []byte) (err error) {
	*d, err = valueOf[Distribution]("distribution", distributionNames, string(text))
	return err
}

// Keys says which keys operations use. A key is Prefix, the type of its value
// and a number: schload:string:42. Every type has Space keys of its own.
type Keys struct {
	Distribution Distribution
	Space        int     // keys of each type; 0 means DefaultSpace
	Prefix       string  // "" means DefaultPrefix
	Exponent     float64 // of Zipf; 0 means DefaultExponent
	Batch        int     // keys of one MGET or MSET, 0 means DefaultBatch; they share a hash tag
}

// The defaults of Keys. The exponent is the one YCSB made customary.
const (
	DefaultSpace    = 10_000
	DefaultPrefix   = "schload:"
	DefaultExponent = 0.99
	DefaultBatch    = 4
)

// largestBatch bounds the keys of one command.
const largestBatch = 1000

// namedKeys is the largest Space whose keys are made before the run, for about
// 40 bytes each and type; keys of a larger one are formatted as they are used.
const namedKeys = 1_000_000

func (k Keys) withDefaults() Keys {
	if k.Space == 0 {
		k.Space = DefaultSpace
	}
	if k.Prefix == "" {
		k.Prefix = DefaultPrefix
	}
	if k.Exponent == 0 {
		k.Exponent = DefaultExponent
	}
	if k.Batch == 0 {
		k.Batch = DefaultBatch
	}
	return k
}

// Validate reports everything that is wrong with the keys.
func (k Keys) Validate() error {
	var errs []error
	if int(k.Distribution) >= len(distributionNames) {
		errs = append(errs, unknown("distribution", k.Distribution.String(), distributionNames))
	}
	if k.Space < 0 {
		errs = append(errs, fmt.Errorf("key space %d: want 1 or more keys (0 means %d)", k.Space, DefaultSpace))
	}
	if k.Exponent != 0 && !(k.Exponent >= 0.01 && k.Exponent <= 10) {
		errs = append(errs, fmt.Errorf("zipf exponent %v: want 0.01 to 10 (0 means %v)", k.Exponent, DefaultExponent))
	}
	if k.Batch < 0 || k.Batch > largestBatch {
		errs = append(errs, fmt.Errorf("key batch %d: want 1 to %d keys (0 means %d)", k.Batch, largestBatch, DefaultBatch))
	}
	if strings.Contains(k.Prefix, separator) {
		errs = append(errs, fmt.Errorf("key prefix %q: must not contain %s, which ends the key within a value", k.Prefix, separator))
	}
	return errors.Join(errs...)
}

// keyset turns draws into keys. It is read-only and shared by the workers.
type keyset struct {
	Keys
	zipf  zipf
	heads [spaces]string   // prefix of the keys of a space
	names [spaces][]string // keys made in advance, or nil
	slots [spaces][]uint16 // Operation.Slot of names

	checks [spaces]uint16 // checksums of heads
}

func newKeyset(k Keys, mix []command) keyset {
	s := keyset{Keys: k}
	if k.Distribution == Zipf {
		s.zipf = newZipf(k.Space, k.Exponent)
	}
	for _, c := range mix {
		if c.space == keyless || s.heads[c.space] != "" {
			continue
		}
		s.heads[c.space] = k.Prefix + spaceNames[c.space] + ":"
		switch c.space {
		case batchSpace:
			s.heads[c.space] = k.groups()
			continue
		case transactionSpace, leaseSpace: // of each worker
			continue
		}
		s.checks[c.space] = crc16(0, s.heads[c.space])
		if k.Space <= namedKeys {
			s.names[c.space] = enumerate(s.heads[c.space], k.Space)
			s.slots[c.space] = slotsOf(s.names[c.space])
		}
	}
	return s
}

// enumerate makes the keys head0 .. head(n-1) in one piece of memory.
func enumerate(head string, n int) []string {
	ends := make([]int, n)
	var b []byte
	for i := range ends {
		b = strconv.AppendInt(append(b, head...), int64(i), 10)
		ends[i] = len(b)
	}
	all := string(b)
	names := make([]string, n)
	begin := 0
	for i, end := range ends {
		names[i] = all[begin:end]
		begin = end
	}
	return names
}

// number picks the key's number for operation index.
func (s *keyset) number(from *source, index uint64) uint64 {
	switch s.Distribution {
	case Zipf:
		return s.zipf.rank(from)
	case Sequential:
		return index % uint64(s.Space)
	default:
		return from.below(uint64(s.Space))
	}
}
