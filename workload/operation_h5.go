package workload

import (
	"bytes"
	"context"
)

// Operation is a stand-in until the real one is merged.
type Operation struct {
	Index   int
	Command string
	Key     string
	Value   []byte
}

// Target is a stand-in until the real one is merged.
type Target interface {
	Do(ctx context.Context, ops []Operation, outcomes []Outcome)
}

// Belongs is a stand-in until the real one is merged.
func Belongs(key string, value []byte) bool {
	return bytes.HasPrefix(value, []byte(key+"|"))
}
