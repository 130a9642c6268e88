package ledger

import (
	"testing"
	"unsafe"
)

// The package's promise of bounded memory, beside the key's name.
func TestEntrySize(t *testing.T) {
	if got := unsafe.Sizeof(Entry{}); got > 320 {
		t.Errorf("an entry takes %d bytes", got)
	}
}
