package handoff

import (
	"fmt"

	"schload/workload"
)

// groupKinds are the commands on several keys.
var groupKinds = map[string]*kind{
	"MGET": {fresh: several, args: mget, list: ownValues, want: wantOwnValues},
	"MSET": {fresh: scalar, args: mset, writes: true, check: okReply, want: wantOK},
}

func mget(op *workload.Operation) []any {
	args := append(make([]any, 0, 1+len(op.Keys)), "mget")
	for _, key := range op.Keys {
		args = append(args, key)
	}
	return args
}

func mset(op *workload.Operation) []any {
	args := append(make([]any, 0, 1+2*len(op.Keys)), "mset")
	for i, key := range op.Keys {
		args = append(args, key, op.Values[i])
	}
	return args
}

// ownValues wants one element for each key, nil or a value of that key, and all
// values written by one MSET. Some may be absent: servers evict keys.
func ownValues(op *workload.Operation, elements []any) bool {
	if len(elements) != len(op.Keys) {
		return false
	}
	keys, values := make([]string, 0, len(elements)), make([]string, 0, len(elements))
	for i, element := range elements {
		if element == nil {
			continue
		}
		if !owns(op.Keys[i], element) {
			return false
		}
		keys, values = append(keys, op.Keys[i]), append(values, element.(string))
	}
	return workload.Together(keys, values)
}

func wantOwnValues(op *workload.Operation) string {
	return fmt.Sprintf("%d elements, each nil or a value of its key, all of one MSET", len(op.Keys))
}
