package notice

import (
	"strconv"
	"time"
)

// Append appends the RESP3 push frame of the notice to dst, in the shape
// captured from real servers, and returns the longer slice. It does not
// allocate when dst has room. Time is written as whole seconds, rounded down,
// as servers do for a client that joins in mid-window. An unknown Kind is a
// programmer's error and panics.
func (n Notice) Append(dst []byte) []byte {
	switch n.Kind {
	case Moving:
		dst = n.appendHead(dst, 4)
		dst = appendInt(dst, ':', seconds(n.Time))
		if n.Endpoint == "" {
			return append(dst, "_\r\n"...)
		}
		return appendBulk(dst, n.Endpoint)
	case Migrating, FailingOver:
		dst = n.appendHead(dst, 4)
		dst = appendInt(dst, ':', seconds(n.Time))
		return appendShards(dst, n.Shards)
	case Migrated, FailedOver:
		return appendShards(n.appendHead(dst, 3), n.Shards)
	case SMigrating:
		return appendBulk(n.appendHead(dst, 3), n.Slots)
	case SMigrated:
		return appendMoves(n.appendHead(dst, 3), n.Moves)
	}
	panic("notice: cannot encode " + n.Kind.String())
}

// appendHead writes what all frames share: the push header, type and sequence.
func (n Notice) appendHead(dst []byte, elements int64) []byte {
	dst = appendInt(dst, '>', elements)
	dst = appendBulk(dst, kindNames[n.Kind])
	return appendInt(dst, ':', n.Seq)
}

func appendMoves(dst []byte, moves []Move) []byte {
	dst = appendInt(dst, '*', int64(len(moves)))
	for _, m := range moves {
		dst = appendInt(dst, '*', 3)
		dst = appendBulk(dst, m.Source)
		dst = appendBulk(dst, m.Destination)
		dst = appendBulk(dst, m.Slots)
	}
	return dst
}

// appendShards writes the shard ids the way servers do: one bulk string that
// holds JSON text, ids quoted, ", " between them.
func appendShards(dst []byte, shards []string) []byte {
	size := len("[]")
	for i, id := range shards {
		if i > 0 {
			size += len(", ")
		}
		size += jsonSize(id)
	}
	dst = appendInt(dst, '$', int64(size))
	dst = append(dst, '[')
	for i, id := range shards {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendJSON(dst, id)
	}
	return append(dst, "]\r\n"...)
}

func appendBulk(dst []byte, text string) []byte {
	dst = appendInt(dst, '$', int64(len(text)))
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}

func appendInt(dst []byte, prefix byte, value int64) []byte {
	dst = append(dst, prefix)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, "\r\n"...)
}

// jsonSize is the length of what appendJSON appends.
func jsonSize(text string) int {
	size := len(`""`)
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			size += len(`\"`)
		case c < 0x20:
			size += len(`\u0000`)
		default:
			size++
		}
	}
	return size
}

// appendJSON quotes text without escaping more than JSON demands, so that the
// ids servers use stay as captured. The standard encoder would escape <, > and
// & and allocate.
func appendJSON(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// seconds rounds down, below zero too: -500ms has been due for a moment, -1.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d < 0 && d%time.Second != 0 {
		s--
	}
	return s
}
