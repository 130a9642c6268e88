package stage

import (
	"bufio"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestLine bounds what is kept of a line, in bytes.
const longestLine = 500

// clip makes text fit for a mark: one line of bounded length, valid UTF-8.
func clip(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.TrimSpace(text)
	if len(text) <= longestLine {
		return text
	}
	end := longestLine
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// eachLine reads to the end and calls f for every line that is not empty, cut
// where it is too long. It holds no more than one line's beginning.
func eachLine(r io.Reader, f func(line string)) {
	in := bufio.NewReaderSize(r, 2*longestLine)
	for {
		line, err := in.ReadSlice('\n')
		if text := clip(string(line)); text != "" {
			f(text)
		}
		for err == bufio.ErrBufferFull {
			_, err = in.ReadSlice('\n') // the rest of a line that is too long
		}
		if err != nil {
			return
		}
	}
}
