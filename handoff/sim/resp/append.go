package resp

import "strconv"

// AppendBulk appends a bulk string.
func AppendBulk[T string | []byte](dst []byte, text T) []byte {
	dst = appendHead(dst, '$', int64(len(text)))
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(dst []byte, value int64) []byte { return appendHead(dst, ':', value) }

// AppendArray appends the head of an array of n values.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, '*', int64(n)) }

// AppendMap appends the head of n pairs: a map in RESP3, an array in RESP2.
func AppendMap(dst []byte, protocol, n int) []byte {
	if protocol == 3 {
		return appendHead(dst, '%', int64(n))
	}
	return AppendArray(dst, 2*n)
}

// AppendNull appends the null of the protocol.
func AppendNull(dst []byte, protocol int) []byte {
	if protocol == 3 {
		return append(dst, "_\r\n"...)
	}
	return append(dst, "$-1\r\n"...)
}

// AppendStatus appends a simple string, which must be one line.
func AppendStatus(dst []byte, text string) []byte {
	dst = append(dst, '+')
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendError appends an error. Line ends within the text, which an argument
// that is echoed could bring in, become spaces as they do in Redis.
func AppendError(dst []byte, text string) []byte {
	dst = append(dst, '-')
	for i := range len(text) {
		if c := text[i]; c == '\r' || c == '\n' {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '\r', '\n')
}

// AppendRequest appends a command as clients send it.
func AppendRequest[T string | []byte](dst []byte, args ...T) []byte {
	dst = AppendArray(dst, len(args))
	for _, arg := range args {
		dst = AppendBulk(dst, arg)
	}
	return dst
}

func appendHead(dst []byte, prefix byte, value int64) []byte {
	dst = append(dst, prefix)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '\r', '\n')
}
