package handoff

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// collectionKinds are the further commands on strings, hashes, lists, sets,
// sorted sets and streams.
var collectionKinds = map[string]*kind{
	"GETRANGE":  {fresh: scalar, args: onKey("getrange", 0, workload.RangeBytes-1), check: ownBeginning, want: wantOwnBeginning},
	"HMGET":     {fresh: several, args: onKey("hmget", workload.HashField, workload.AbsentField), list: ownFields, want: wantOwnFields},
	"HGETALL":   {fresh: several, args: onKey("hgetall"), list: ownHash, want: wantOwnHash},
	"LRANGE":    {fresh: several, args: onKey("lrange", 0, workload.Page-1), list: ownPage, want: wantOwnPage},
	"LTRIM":     {fresh: scalar, args: onKey("ltrim", 0, workload.ListCap-1), writes: true, check: okReply, want: wantOK},
	"SREM":      {shape: keyValue, writes: true, check: bitReply, want: wantBit},
	"SISMEMBER": {fresh: scalar, args: onValue("sismember"), check: bitReply, want: wantBit},
	"ZINCRBY":   {fresh: scalar, args: onValue("zincrby", 1), writes: true, check: scoreReply, want: wantScore},
	"ZSCORE":    {fresh: scalar, args: onValue("zscore"), nilOK: true, check: scoreReply, want: wantScore},
	"ZRANGE":    {fresh: several, args: onKey("zrange", 0, workload.Page-1), list: ownPage, want: wantOwnPage},
	"XADD":      {fresh: scalar, args: onValue("xadd", "maxlen", "~", workload.StreamCap, "*", workload.HashField), writes: true, check: idReply, want: wantID},
	"XLEN":      {fresh: scalar, args: onKey("xlen"), check: numberReply, want: wantNumber},
}

// ownBeginning accepts the beginning of a value of the key, and nothing at all
// of a key that is not there.
func ownBeginning(op *workload.Operation, reply *redis.StringCmd) bool {
	got := reply.Val()
	switch {
	case len(got) > workload.RangeBytes:
		return false
	case len(got) == workload.RangeBytes && strings.HasPrefix(workload.Token(op.Key), got):
		return true // the key alone is longer
	}
	return got == "" || workload.Belongs(op.Key, got)
}

func wantOwnBeginning(op *workload.Operation) string {
	return fmt.Sprintf("nothing or the first %d bytes of a value of the key (%.80q and more)", workload.RangeBytes, workload.Token(op.Key))
}

func ownFields(op *workload.Operation, elements []any) bool {
	return len(elements) == 2 && (elements[0] == nil || owns(op.Key, elements[0])) && elements[1] == nil
}

func wantOwnFields(op *workload.Operation) string {
	return fmt.Sprintf("nil or a value of the key (%.80q and more), and nil", workload.Token(op.Key))
}

func ownHash(op *workload.Operation, elements []any) bool {
	return len(elements) == 0 || len(elements) == 2 && elements[0] == workload.HashField && owns(op.Key, elements[1])
}

func wantOwnHash(op *workload.Operation) string {
	return fmt.Sprintf("nothing, or %s and a value of the key (%.80q and more)", workload.HashField, workload.Token(op.Key))
}

func ownPage(op *workload.Operation, elements []any) bool {
	for _, element := range elements {
		if !owns(op.Key, element) {
			return false
		}
	}
	return len(elements) <= workload.Page
}

func wantOwnPage(op *workload.Operation) string {
	return fmt.Sprintf("at most %d values of the key (%.80q and more)", workload.Page, workload.Token(op.Key))
}

// scoreReply accepts a score of members that begin with 1 and are counted up.
func scoreReply(_ *workload.Operation, reply *redis.StringCmd) bool {
	score, err := strconv.ParseFloat(reply.Val(), 64)
	return err == nil && score >= 1 && score == math.Trunc(score)
}
func wantScore(*workload.Operation) string { return "a whole number, 1 or more" }

// idReply accepts the id of a stream's entry: milliseconds and a number.
func idReply(_ *workload.Operation, reply *redis.StringCmd) bool {
	ms, number, ok := strings.Cut(reply.Val(), "-")
	_, one := strconv.ParseUint(ms, 10, 64)
	_, two := strconv.ParseUint(number, 10, 64)
	return ok && one == nil && two == nil
}
func wantID(*workload.Operation) string { return "the id of an entry" }
