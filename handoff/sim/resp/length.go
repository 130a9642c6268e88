package resp

import "bytes"

// maxLength is the longest text of a length: a sign and the digits of 64 bits.
const maxLength = 20

// length reads a decimal of at least -1 and its CR LF. The size is the number
// of bytes it takes, zero when the line is not whole yet.
func length(in []byte, what string, most int) (value, size int, err error) {
	end := bytes.IndexByte(in[:min(len(in), maxLength+2)], '\n')
	if end < 0 {
		if len(in) > maxLength {
			return 0, 0, protocolError("invalid %s", what)
		}
		return 0, 0, nil
	}
	if end < 2 || in[end-1] != '\r' {
		return 0, 0, protocolError("invalid %s", what)
	}
	digits := in[:end-1]
	if len(digits) == 2 && digits[0] == '-' && digits[1] == '1' {
		return -1, end + 1, nil
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, 0, protocolError("invalid %s", what)
		}
		if value = value*10 + int(c-'0'); value > most {
			return 0, 0, protocolError("invalid %s", what)
		}
	}
	return value, end + 1, nil
}
