package bundle

import (
	"strconv"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// canonical reads lines in the layout that encoder writes, thirty times as fast
// as protojson does: no spaces, no escapes, the fields in the order of their
// declaration. It gives up at anything else, and at whatever is wrong, and the
// line is read by way of protojson then, which also says what is wrong: what
// canonical accepts means the same to both (FuzzCanonical).
//
// Lines of a run repeat each other but for their numbers. What a line has in
// common with the one before it is therefore compared, not taken apart.
type canonical struct {
	text []byte
	at   int
	bad  bool

	strings map[string]string
	arms    map[string]*knownArm // by the text of their attributes

	expected []*knownArm // the resources of the line before

	keys   map[record.Key]*filed
	known  int      // of all that is kept between lines
	counts []uint64 // scratch
	bounds []byte   // the text of the line's bounds, once known
	line   uint64   // number of the line, to tell what was seen in it
	found  decoder  // what the line holds, in its order

	series       order[*filed, record.Series]
	count        order[*knownPoint, record.Count]
	level        order[*knownPoint, record.Level]
	distribution order[*knownPoint, record.Distribution]

	again bool                   // an interval is valid until the next: its memory is used again
	lent  []*histogram.Histogram // of the interval, where memory is used again
	used  int                    // of lent
}

// mostKnown bounds what is kept between lines.
const mostKnown = 1 << 14

func newCanonical() *canonical {
	return &canonical{strings: map[string]string{}, arms: map[string]*knownArm{}, keys: map[record.Key]*filed{}}
}

// has takes a token if it is next.
func (c *canonical) has(token string) bool {
	if c.bad || len(c.text)-c.at < len(token) || string(c.text[c.at:c.at+len(token)]) != token {
		return false
	}
	c.at += len(token)
	return true
}

// want takes a token, or gives up.
func (c *canonical) want(token string) {
	if !c.has(token) {
		c.bad = true
	}
}

// field takes the name of a field behind others of its message.
func (c *canonical) field(name string, first *bool) bool {
	at := c.at
	if (*first || c.has(",")) && c.has(name) {
		*first = false
		return true
	}
	c.at = at
	return false
}

// list takes the elements of a list and its end. An empty one is not written.
func (c *canonical) list(element func()) {
	for !c.bad {
		element()
		if !c.has(",") {
			break
		}
	}
	c.want("]")
}

// attributes takes a list of attributes with strings, its end included, and
// returns its text too.
func (c *canonical) attributes() (text []byte, list []*commonpb.KeyValue) {
	begin := c.at
	c.list(func() {
		c.want(`{"key":`)
		key := c.word()
		c.want(`,"value":{"stringValue":`)
		list = append(list, &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: c.word()}}})
		c.want("}}")
	})
	return c.text[begin:c.at], list
}

// keep says whether one thing more may be kept between lines.
func (c *canonical) keep() bool {
	if c.known >= mostKnown {
		return false
	}
	c.known++
	return true
}

// word takes a string without escapes.
func (c *canonical) word() string {
	c.want(`"`)
	begin := c.at
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			text := c.text[begin:c.at]
			c.at++
			if known, ok := c.strings[string(text)]; ok {
				return known
			}
			s := string(text)
			if c.keep() {
				c.strings[s] = s
			}
			return s
		case b < ' ' || b == '\\' || b >= 0x7f:
			c.bad = true
			return ""
		}
	}
	c.bad = true
	return ""
}

// quoted takes a whole number in quotes.
func (c *canonical) quoted() (n uint64) {
	c.want(`"`)
	begin := c.at
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		n = n*10 + uint64(c.text[c.at]-'0')
	}
	if digits := c.at - begin; digits == 0 || digits > 19 || digits > 1 && c.text[begin] == '0' {
		c.bad = true
	}
	c.want(`"`)
	return n
}

// integer takes a small number without quotes.
func (c *canonical) integer() int32 {
	negative := c.has("-")
	begin, n := c.at, int32(0)
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		if c.at-begin >= 9 {
			c.bad = true
			return 0
		}
		n = n*10 + int32(c.text[c.at]-'0')
	}
	if c.at == begin || c.text[begin] == '0' && (negative || c.at-begin > 1) || !c.ends() {
		c.bad = true
	}
	if negative {
		return -n
	}
	return n
}

// double takes a number without quotes: digits, perhaps a fraction and an
// exponent.
func (c *canonical) double() float64 {
	begin := c.at
	c.has("-")
	whole := c.digits()
	if whole == 0 || whole > 1 && c.text[c.at-whole] == '0' {
		c.bad = true
	}
	if c.has(".") && c.digits() == 0 {
		c.bad = true
	}
	if c.has("e") {
		if !c.has("-") {
			c.has("+")
		}
		if c.digits() == 0 {
			c.bad = true
		}
	}
	if c.bad || !c.ends() {
		c.bad = true
		return 0
	}
	v, err := strconv.ParseFloat(string(c.text[begin:c.at]), 64)
	if err != nil {
		c.bad = true
	}
	return v
}

func (c *canonical) digits() (n int) {
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		n++
	}
	return n
}

// ends says whether a number without quotes ends here.
func (c *canonical) ends() bool {
	return c.at < len(c.text) && (c.text[c.at] == ',' || c.text[c.at] == '}')
}
