package handoff

import (
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// leaseKinds are the commands on keys that expire.
var leaseKinds = map[string]*kind{
	"SETEX":   {fresh: scalar, args: setex, writes: true, check: okReply, want: wantOK},
	"GETEX":   {fresh: scalar, args: getex, writes: true, nilOK: true, check: ownValue, want: wantOwnValue},
	"TTL":     {fresh: scalar, args: onKey("ttl"), check: lasts(time.Second), want: wantLasts(time.Second)},
	"PTTL":    {fresh: scalar, args: onKey("pttl"), check: lasts(time.Millisecond), want: wantLasts(time.Millisecond)},
	"PERSIST": {fresh: scalar, args: onKey("persist"), writes: true, check: bitReply, want: wantBit},
}

func setex(op *workload.Operation) []any {
	return []any{"setex", op.Key, workload.LeaseSeconds, op.Value}
}

func getex(op *workload.Operation) []any {
	return []any{"getex", op.Key, "ex", workload.LeaseSeconds}
}

// onKey makes a command that has a key and then nothing, or what never changes.
func onKey(name string, rest ...any) func(*workload.Operation) []any {
	return func(op *workload.Operation) []any { return append([]any{name, op.Key}, rest...) }
}

// onValue is onKey with the operation's value at the end.
func onValue(name string, fixed ...any) func(*workload.Operation) []any {
	return func(op *workload.Operation) []any {
		return append(append([]any{name, op.Key}, fixed...), op.Value)
	}
}

// lasts accepts what a key that was given the one time to live may have left of
// it, -1 of a key without (PERSIST) and -2 of one that is gone.
func lasts(unit time.Duration) func(*workload.Operation, *redis.StringCmd) bool {
	most := int64(workload.LeaseSeconds * time.Second / unit)
	return func(_ *workload.Operation, reply *redis.StringCmd) bool {
		left, err := strconv.ParseInt(reply.Val(), 10, 64)
		return err == nil && left >= -2 && left <= most
	}
}

func wantLasts(unit time.Duration) func(*workload.Operation) string {
	return func(*workload.Operation) string {
		return fmt.Sprintf("-2 to %d", workload.LeaseSeconds*time.Second/unit)
	}
}

func bitReply(_ *workload.Operation, reply *redis.StringCmd) bool {
	return reply.Val() == "0" || reply.Val() == "1"
}
func wantBit(*workload.Operation) string { return "0 or 1" }
