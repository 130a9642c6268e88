package resp

// splitInline appends the words of an inline command: what people type into a
// terminal. Words may be quoted as in redis-cli; an unbalanced quote ends at
// the end of the line, because such a line comes from a person who sees the
// reply.
func splitInline(args [][]byte, line []byte) [][]byte {
	for {
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return args
		}
		var word []byte
		word, line = cutWord(line)
		args = append(args, word)
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// cutWord cuts the first word. Words without quotes point into the line.
func cutWord(line []byte) (word, rest []byte) {
	for i, c := range line {
		if c == '"' || c == '\'' {
			return cutQuoted(line[:i:i], line[i:])
		}
		if isSpace(c) {
			return line[:i:i], line[i:]
		}
	}
	return line, nil
}

// cutQuoted goes on inside a word whose next byte is a quote. The word's
// beginning has no spare capacity, so that append copies it.
func cutQuoted(word, rest []byte) ([]byte, []byte) {
	var quote byte
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		switch {
		case quote == 0 && isSpace(c):
			return word, rest[i:]
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0 && (c == '\r' || c == '\n'):
			return word, rest[i:]
		case quote == '"' && c == '\\' && i+1 < len(rest):
			i++
			word = append(word, unescape(rest[i]))
		case quote == '\'' && c == '\\' && i+1 < len(rest) && rest[i+1] == '\'':
			i++
			word = append(word, '\'')
		default:
			word = append(word, c)
		}
	}
	return word, nil
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}
