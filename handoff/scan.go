package handoff

import (
	"bytes"
	"strconv"
)

// The scanners read RESP as it passes, in whatever pieces it comes, and keep
// only what a handshake says. Both stop for good at the first byte they do not
// understand: they observe a connection, they must not guess about it.

// kept bounds the length of a text worth keeping: a command name, an error
// reply, a version.
const kept = 120

// requestScanner reads commands: arrays of bulk strings.
type requestScanner struct {
	line   []byte   // a length line that is still incomplete
	args   []string // of the current command, as far as they are kept
	index  int      // of the current argument
	left   int      // arguments still to come
	body   int      // bytes of the current argument still to come, CRLF included
	text   []byte   // of the current argument, when it is kept
	keep   bool
	broken bool
}

// feed reads p and calls command for each command it completes.
func (s *requestScanner) feed(p []byte, command func(args []string)) {
	for len(p) > 0 && !s.broken {
		if s.body > 0 {
			p = s.readBody(p, command)
			continue
		}
		line, rest, ok := takeLine(&s.line, p)
		p = rest
		if !ok {
			s.broken = len(s.line) > kept
			return
		}
		s.readLine(line)
	}
}

func (s *requestScanner) readLine(line []byte) {
	n, err := strconv.Atoi(string(line[1:]))
	switch {
	case err != nil || n < 0:
		s.broken = true
	case line[0] == '*' && s.left == 0 && n > 0:
		s.left, s.index, s.args = n, 0, s.args[:0]
	case line[0] == '$' && s.left > 0:
		s.body, s.keep, s.text = n+2, s.wanted(), s.text[:0]
	default:
		s.broken = true
	}
}

// wanted says which arguments are kept. No argument that could be a user name
// or a password is: AUTH, and HELLO from its third argument on, pass unread.
func (s *requestScanner) wanted() bool {
	switch {
	case s.index == 0:
		return true
	case isWord(s.args[0], "client"):
		return s.index == 1 || s.index < 5 && isWord(s.args[1], "maint_notifications")
	case isWord(s.args[0], "hello"):
		return s.index == 1
	}
	return false
}

func (s *requestScanner) readBody(p []byte, command func(args []string)) []byte {
	n := min(s.body, len(p))
	if s.keep && len(s.text) < kept {
		s.text = append(s.text, p[:min(n, kept+2)]...)
	}
	if s.body -= n; s.body > 0 {
		return p[n:]
	}
	if s.keep {
		text := bytes.TrimSuffix(s.text, []byte("\r\n"))
		s.args = append(s.args, string(text[:min(len(text), kept)]))
	}
	s.index++
	if s.left--; s.left == 0 {
		command(s.args)
	}
	return p[n:]
}

// reply is what the scanner keeps of one reply.
type reply struct {
	kind byte     // RESP type: + - : $ * % > ...
	text string   // of a simple reply or an error
	flat []string // scalars of an aggregate's first level, in order
}

// replyScanner reads replies of any type.
type replyScanner struct {
	line   []byte
	body   int   // bytes of the current bulk still to come, CRLF included
	nested []int // elements still to come, outermost first
	text   []byte
	reply  reply
	open   bool // a reply has begun
	broken bool
}

// The deepest nesting the scanner follows, and the number of scalars it keeps:
// HELLO replies with one map of seven pairs and an empty array; COMMAND, which a
// cluster's client sends once, nests eight deep.
const (
	maxNesting = 16
	maxScalars = 32
)

// feed reads p and calls done for each reply it completes.
func (s *replyScanner) feed(p []byte, done func(reply)) {
	for len(p) > 0 && !s.broken {
		if s.body > 0 {
			p = s.readBody(p, done)
			continue
		}
		line, rest, ok := takeLine(&s.line, p)
		p = rest
		if !ok {
			s.broken = len(s.line) > 64<<10 // an error text may be long, a line without end may not
			return
		}
		s.readLine(line, done)
	}
}

func (s *replyScanner) readLine(line []byte, done func(reply)) {
	kind, rest := line[0], line[1:]
	if !s.open {
		s.open, s.reply = true, reply{kind: kind}
	}
	switch kind {
	case '+', '-', ':', ',', '#', '_', '(':
		s.scalar(rest, done)
	case '$', '!', '=':
		n, err := strconv.Atoi(string(rest))
		switch {
		case err != nil || n < -1:
			s.broken = true
		case n == -1:
			s.scalar(nil, done)
		default:
			s.body, s.text = n+2, s.text[:0]
		}
	case '*', '~', '>', '%', '|':
		s.aggregate(kind, rest, done)
	default:
		s.broken = true
	}
}

func (s *replyScanner) aggregate(kind byte, rest []byte, done func(reply)) {
	n, err := strconv.Atoi(string(rest))
	if err != nil || n < -1 || kind == '|' || len(s.nested) == maxNesting {
		s.broken = true
		return
	}
	if kind == '%' {
		n *= 2
	}
	if n <= 0 {
		s.scalar(nil, done)
		return
	}
	s.nested = append(s.nested, n)
}

func (s *replyScanner) readBody(p []byte, done func(reply)) []byte {
	n := min(s.body, len(p))
	if len(s.text) < kept {
		s.text = append(s.text, p[:min(n, kept+2)]...)
	}
	if s.body -= n; s.body == 0 {
		s.scalar(bytes.TrimSuffix(s.text, []byte("\r\n")), done)
	}
	return p[n:]
}

// scalar ends one value and with it every aggregate it completes.
func (s *replyScanner) scalar(text []byte, done func(reply)) {
	text = text[:min(len(text), kept)]
	switch depth := len(s.nested); {
	case depth == 0:
		s.reply.text = string(text)
	case depth == 1 && len(s.reply.flat) < maxScalars:
		s.reply.flat = append(s.reply.flat, string(text))
	}
	for len(s.nested) > 0 {
		last := len(s.nested) - 1
		if s.nested[last]--; s.nested[last] > 0 {
			return
		}
		s.nested = s.nested[:last]
		if last == 1 && len(s.reply.flat) < maxScalars {
			s.reply.flat = append(s.reply.flat, "") // keeps keys and values of a map in step
		}
	}
	s.open = false
	done(s.reply)
}

// takeLine takes one line from partial and p; when p ends too early, partial
// holds what there is.
func takeLine(partial *[]byte, p []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		*partial = append(*partial, p...)
		return nil, nil, false
	}
	line = p[:i+1]
	if len(*partial) > 0 {
		line = append(*partial, line...)
		*partial = (*partial)[:0]
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		line = []byte{0} // no RESP line is empty: let the caller find it broken
	}
	return line, p[i+1:], true
}

func isWord(text, lower string) bool {
	return len(text) == len(lower) && bytes.EqualFold([]byte(text), []byte(lower))
}
