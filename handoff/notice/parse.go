package notice

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Parse parses the push frame at the beginning of input and returns the notice
// and the number of bytes it takes. Input that ends too early is
// ErrIncomplete. When the frame is whole but is no notice, the number of bytes
// is returned with the error, so that a reader can pass over it; a broken
// frame returns 0.
//
// Parse is as tolerant as the clients in use: simple strings for bulk strings,
// further elements after those known, MIGRATING and FAILING_OVER without time,
// MOVING without endpoint. It insists on the upper-case type and on RESP
// integers, as go-redis does.
func Parse(input []byte) (Notice, int, error) {
	f := frame{in: input}
	values, err := f.readPush()
	if err != nil {
		return Notice{}, 0, err
	}
	n, err := FromValues(values)
	return n, f.at, err
}

// FromValues builds the notice from a decoded push, type first, as client
// hooks hand it out: string or []byte, int64, nil, and []any for arrays. Its
// rules are those of Parse.
func FromValues(values []any) (Notice, error) {
	if len(values) == 0 {
		return Notice{}, fmt.Errorf("notice: want a type first, got no elements")
	}
	name, ok := text(values[0])
	if !ok {
		return Notice{}, fmt.Errorf("notice: want a type first, got %s", describe(values[0]))
	}
	kind, err := ParseKind(name)
	if err != nil {
		return Notice{}, err
	}
	n := Notice{Kind: kind}
	if err := n.fill(elements(values[1:])); err != nil {
		return Notice{}, fmt.Errorf("notice %v: %w", kind, err)
	}
	return n, nil
}

// fill reads the elements after the type.
func (n *Notice) fill(e elements) (err error) {
	if n.Seq, err = e.integer(0, "sequence id"); err != nil {
		return err
	}
	switch n.Kind {
	case Moving:
		if n.Time, err = e.time(1); err == nil && len(e) > 2 {
			n.Endpoint, err = e.endpoint(2)
		}
	case Migrating, FailingOver:
		err = n.fillAnnounced(e)
	case Migrated, FailedOver:
		n.Shards, err = e.shards(1)
	case SMigrating:
		n.Slots, err = e.slots(1)
	case SMigrated:
		n.Moves, err = e.moves(1)
	}
	return err
}

// fillAnnounced reads time and shards. Older test doubles leave out the time
// (MIGRATING seq shards) or both (FAILING_OVER seq).
func (n *Notice) fillAnnounced(e elements) (err error) {
	if len(e) == 1 {
		return nil
	}
	at := 1
	if _, ok := e[1].(int64); ok || len(e) > 2 {
		if n.Time, err = e.time(1); err != nil {
			return err
		}
		at = 2
	}
	n.Shards, err = e.shards(at)
	return err
}

// elements are those after the type; errors count the type too, as people who
// look at a frame do.
type elements []any

func (e elements) want(i int, what, shape string) error {
	if i >= len(e) {
		return fmt.Errorf("element %d: want the %s, %s, got no more elements", i+1, what, shape)
	}
	return fmt.Errorf("element %d: want the %s, %s, got %s", i+1, what, shape, describe(e[i]))
}

func (e elements) integer(i int, what string) (int64, error) {
	if i < len(e) {
		if value, ok := e[i].(int64); ok {
			return value, nil
		}
	}
	return 0, e.want(i, what, "an integer")
}

func (e elements) time(i int) (time.Duration, error) {
	const most = math.MaxInt64 / int64(time.Second)
	s, err := e.integer(i, "time in seconds")
	if err == nil && (s > most || s < -most) {
		err = fmt.Errorf("element %d: want a time of at most %d seconds, got %d", i+1, most, s)
	}
	if err != nil {
		return 0, err
	}
	return time.Duration(s) * time.Second, nil
}

func (e elements) endpoint(i int) (string, error) {
	if e[i] == nil {
		return "", nil
	}
	if endpoint, ok := text(e[i]); ok {
		return endpoint, nil
	}
	return "", e.want(i, "endpoint", "host:port or null")
}

// shards reads the JSON text. Bare text is one id: older test doubles send
// the id alone.
func (e elements) shards(i int) ([]string, error) {
	const shape = `JSON text like ["1", "2"]`
	if i >= len(e) {
		return nil, e.want(i, "shard ids", shape)
	}
	list, ok := text(e[i])
	if !ok || list == "" {
		return nil, e.want(i, "shard ids", shape)
	}
	if list[0] != '[' {
		return []string{strings.ToValidUTF8(list, "\ufffd")}, nil
	}
	var ids []shardID
	if err := json.Unmarshal([]byte(list), &ids); err != nil {
		return nil, fmt.Errorf("element %d: want the shard ids, %s, got %.60q: %w", i+1, shape, list, err)
	}
	var shards []string
	for _, id := range ids {
		shards = append(shards, string(id))
	}
	return shards, nil
}

// shardID is a JSON string or a whole number; ids are numbers in all captures
// but their quotes are only a convention of the sender.
type shardID string

func (s *shardID) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(s))
	}
	if _, err := strconv.ParseInt(string(data), 10, 64); err != nil {
		return fmt.Errorf("want shard ids to be strings or whole numbers, got %.20s", data)
	}
	*s = shardID(data)
	return nil
}

// slots reads one or more elements of slot text: a draft of the frame had one
// element per range. What does not look like slots is a later addition.
func (e elements) slots(i int) (string, error) {
	if i >= len(e) {
		return "", e.want(i, "slots", `text like "0-99,200"`)
	}
	slots, ok := slotText(e[i])
	if !ok {
		return "", e.want(i, "slots", `text like "0-99,200"`)
	}
	for _, more := range e[i+1:] {
		if next, ok := slotText(more); ok {
			slots += "," + next
		}
	}
	return slots, nil
}

func slotText(value any) (string, bool) {
	if n, ok := value.(int64); ok && n >= 0 {
		return strconv.FormatInt(n, 10), true
	}
	slots, ok := text(value)
	return slots, ok && slots != "" && strings.Trim(slots, "0123456789-, ") == ""
}

// moves reads the final shape, an array of triplets. Two drafts came before
// it: pairs without the source, and one flat host:port with slots.
func (e elements) moves(i int) ([]Move, error) {
	const shape = "an array of [source, destination, slots]"
	if i >= len(e) {
		return nil, e.want(i, "moves", shape)
	}
	list, ok := e[i].([]any)
	if !ok {
		return nil, e.want(i, "moves", shape)
	}
	var moves []Move
	for j, value := range list {
		triplet, ok := value.([]any)
		if !ok || len(triplet) < 3 {
			return nil, fmt.Errorf("element %d: move %d: want [source, destination, slots], got %s", i+1, j, describe(value))
		}
		var parts [3]string
		for k := range parts {
			if parts[k], ok = text(triplet[k]); !ok {
				return nil, fmt.Errorf("element %d: move %d: want a string at %d, got %s", i+1, j, k, describe(triplet[k]))
			}
		}
		moves = append(moves, Move{Source: parts[0], Destination: parts[1], Slots: parts[2]})
	}
	return moves, nil
}

// text accepts the two decoded forms of a string.
func text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

// describe names a decoded value in an error, at bounded length.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the string %.40q", v)
	case []byte:
		return fmt.Sprintf("the string %.40q", v)
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case unused:
		return fmt.Sprintf("a RESP3 value of type %q", v.prefix)
	}
	return fmt.Sprintf("a value of type %T", value)
}
