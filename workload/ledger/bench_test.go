package ledger

import "testing"

// The cost of one operation on a ledger key, beside that of sending it.
func BenchmarkEntry(b *testing.B) {
	for name, act := range map[string]Act{"swap": Swap, "read": Read} {
		b.Run(name, func(b *testing.B) {
			book := newBook(Strings)
			p := book.Page(0)
			turn := swapping(p.Take(Strings, act, false), act)
			b.ReportAllocs()
			for b.Loop() {
				turn()
			}
			if v := book.Counts().Violations; v != [Kinds]uint64{} {
				b.Errorf("violations %v", v)
			}
		})
	}
}

// swapping returns an operation that is issued, answered as it should be, and
// judged.
func swapping(k Key, act Act) func() {
	var reply Reply
	var there, value []byte
	c := Call{Command: "SET", Act: Swap, Attempts: 1, Reply: &reply}
	turn := func() {
		c.Sequence = k.Issue(c.Act, &reply)
		if c.Act.Writes() {
			value = append(k.AppendToken(value[:0], c.Sequence), "filler"...)
		}
		reply.Set(there, there == nil)
		k.Judge(c)
		there = append(there[:0], value...)
	}
	turn()
	c.Act = act
	return turn
}

func TestEntryAllocations(t *testing.T) {
	for _, act := range []Act{Swap, Read} {
		book := newBook(Strings)
		if got := testing.AllocsPerRun(100, swapping(book.Page(0).Take(Strings, act, false), act)); got != 0 {
			t.Errorf("act %d allocates %v times", act, got)
		}
	}
}
