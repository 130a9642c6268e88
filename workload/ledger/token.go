package ledger

import (
	"bytes"
	"strconv"
)

// A token is what the values of a ledger key begin with: the key, which names
// arm, pool and worker, then the run's nonce and the write's sequence number:
// "<key>|<nonce>.<sequence>|".
const separator = '|'

// tokenRoom is what a token holds beside its key.
const tokenRoom = 10 + 20 + 3

// AppendToken writes the token of a write of the key.
func (e *Entry) AppendToken(to []byte, sequence uint64) []byte {
	to = append(append(to, e.Key...), separator)
	to = append(strconv.AppendUint(to, uint64(e.page.book.config.Nonce), 10), '.')
	return append(strconv.AppendUint(to, sequence, 10), separator)
}

// sequence reads a value's token. It reports whether the value can be one of
// this key, and whether it is of this run.
func (e *Entry) sequence(value []byte) (sequence uint64, own, ok bool) {
	rest, ok := bytes.CutPrefix(value, []byte(e.Key))
	if !ok || len(rest) == 0 || rest[0] != separator {
		return 0, false, false
	}
	header, _, ok := bytes.Cut(rest[1:], []byte{separator})
	if !ok {
		return 0, false, true // a value of some other maker
	}
	nonce, number, _ := bytes.Cut(header, []byte{'.'})
	n, err := strconv.ParseUint(string(nonce), 10, 32)
	if err != nil || uint32(n) != e.page.book.config.Nonce {
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
	return "token " + strconv.FormatUint(s.sequence, 10)
}
