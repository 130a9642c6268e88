package delivery

import (
	"strconv"
	"strings"
	"time"
)

// separator ends the parts of a token.
const separator = '|'

// A token is what a payload begins with: the channel, the run's nonce, the
// message's number in the channel and the instant it was due:
// "<channel>|<nonce>.<number>.<due in ns>|".

// appendToken writes the token of a message.
func (c *channel) appendToken(to []byte, number uint64, due time.Duration) []byte {
	to = append(append(to, c.name...), separator)
	to = append(strconv.AppendUint(to, uint64(c.book.Nonce), 10), '.')
	to = append(strconv.AppendUint(to, number, 10), '.')
	return append(strconv.AppendInt(to, int64(due), 10), separator)
}

// read reads the token of a payload. It reports false for one that is not of
// this channel and run.
func (c *channel) read(payload string) (number uint64, due time.Duration, ok bool) {
	rest, ok := strings.CutPrefix(payload, c.name+string(separator))
	if !ok {
		return 0, 0, false
	}
	header, _, ok := strings.Cut(rest, string(separator))
	if !ok {
		return 0, 0, false
	}
	nonce, rest, _ := strings.Cut(header, ".")
	first, second, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(nonce, 10, 32)
	if err != nil || uint32(n) != c.book.Nonce {
		return 0, 0, false
	}
	number, err = strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	at, err := strconv.ParseInt(second, 10, 64)
	return number, time.Duration(at), err == nil
}
