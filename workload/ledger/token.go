package ledger

import (
	"bytes"
	"strconv"
)

// label is a key's name and the run's nonce: what its tokens are made of. A
// token is what a value begins with: the key, which names arm, pool and worker,
// then the nonce and the write's sequence number:
// "<key>|<nonce>.<sequence>|".
type label struct {
	name  string
	nonce uint32
}

// separator ends the key within a value.
const separator = '|'

// tokenRoom is what a token holds beside its key.
const tokenRoom = 10 + 20 + 3

// Name is the key as Redis knows it.
func (l *label) Name() string { return l.name }

// AppendToken writes the token of a write of the key.
func (l *label) AppendToken(to []byte, sequence uint64) []byte {
	to = append(append(to, l.name...), separator)
	to = append(strconv.AppendUint(to, uint64(l.nonce), 10), '.')
	return append(strconv.AppendUint(to, sequence, 10), separator)
}

// sequence reads a value's token. It reports whether the value can be one of
// this key, and whether it is of this run.
func (l *label) sequence(value []byte) (sequence uint64, own, ok bool) {
	if len(value) <= len(l.name) || string(value[:len(l.name)]) != l.name || value[len(l.name)] != separator {
		return 0, false, false
	}
	header, _, ok := bytes.Cut(value[len(l.name)+1:], []byte{separator})
	if !ok {
		return 0, false, true // a value of some other maker
	}
	nonce, number, _ := bytes.Cut(header, []byte{'.'})
	n, err := strconv.ParseUint(string(nonce), 10, 32)
	if err != nil || uint32(n) != l.nonce {
		return 0, false, true
	}
	sequence, err = strconv.ParseUint(string(number), 10, 64)
	return sequence, true, err == nil
}

// name spells what was seen, or expected, for people.
func (s sight) name() string {
	switch {
	case s.absent:
		return "nothing"
	case !s.exact:
		return "a value"
	}
	return tokenName(s.sequence)
}

func tokenName(sequence uint64) string { return "token " + strconv.FormatUint(sequence, 10) }
