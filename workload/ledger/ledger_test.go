package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func newBook(spaces ...Space) *Book {
	return New(Config{Prefix: "schload:", Arm: "on", Pool: "main", Nonce: 7, Spaces: spaces, Workers: 1, Keys: 1, Share: 1})
}

// play runs a script on one key. Its words are
//
//	w swap  p put  d remove  r read  e exists  i add  l push  o pop  s insert or discard, by turns  n size
//	end settles  mid resolves
//
// then :X for a reply that shows X (a token's sequence number, - for nothing,
// or a number), ? for an end nobody saw, ! for no effect, and *N for N tries.
func play(t *testing.T, k Key, b *Book, script string) {
	t.Helper()
	acts := map[string]Act{"w": Swap, "p": Put, "d": Remove, "r": Read, "e": Exists, "i": Add, "l": Push, "o": Pop, "end": Read, "endi": Add, "endl": Push, "s": Insert, "n": Size, "ends": Size, "mid": Read, "midi": Add, "mids": Size}
	for word := range strings.FieldsSeq(script) {
		rest, tries, _ := strings.Cut(word, "*")
		name, shows, shown := strings.Cut(strings.TrimRight(rest, "?!"), ":")
		act, ok := acts[name]
		if !ok {
			t.Fatalf("script: %q", word)
		}
		var reply Reply
		act = k.Next(act)
		c := Call{Command: name, Act: act, Sequence: k.Issue(act, &reply), Attempts: 1, Reply: &reply}
		if tries != "" {
			c.Attempts, _ = strconv.Atoi(tries)
		}
		switch {
		case strings.HasSuffix(rest, "?"):
			c.End = Open
		case strings.HasSuffix(rest, "!"):
			c.End = NotApplied
		case !shown:
		case shows == "-":
			reply.Set(nil, true)
		case act == Read || act == Swap || act == Pop || act == Remove:
			n, err := strconv.ParseUint(shows, 10, 64)
			if err != nil {
				reply.Set([]byte(shows), false)
			} else {
				reply.Set(append(k.AppendToken(nil, n), "filler"...), false)
			}
		default:
			reply.Set([]byte(shows), false)
		}
		switch {
		case strings.HasPrefix(name, "end"):
			k.Settle(c)
		case strings.HasPrefix(name, "mid"):
			k.Resolve(c)
		default:
			k.Judge(c)
		}
	}
}

// told spells what a book found.
func told(b *Book) string {
	c := b.Counts()
	var words []string
	add := func(name string, n uint64) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%s=%d", name, n))
		}
	}
	for k, name := range []string{"lost", "stale", "twice", "disorder", "wrong"} {
		add(name, c.Violations[k])
	}
	add("applied", c.Applied)
	add("undone", c.Undone)
	add("unknown", c.Undecided)
	return strings.Join(words, " ")
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		space        Space
		script, want string
	}{
		{Strings, "w:- r:1 w:1 r:2 e:1 d:2 e:0 r:- w:- r:4 end:4", ""},
		{Strings, "r:- w:- end:1", ""},
		{Strings, "r:schload:ledger:on:main:0:string:0|1.2|x w:-", ""}, // of another run

		// A write is gone for good: the next write, or the reading back, says so.
		{Strings, "w:- w:1 w:1 end:3", "lost=1"},
		{Strings, "w:- w:1 r:1 r:1 w:1 end:3", "lost=1"},
		{Strings, "w:- w:1 r:1 end:1", "lost=1"},
		{Strings, "w:- w:1 r:1 e:1 w:1 end:3", "lost=1"},
		{Strings, "w:- w:1 r:1 d:1 end:-", "lost=1"},
		{Strings, "w:- w:1 d:1 w:- end:4", "lost=1"},
		{Strings, "w:- w:1 w:2 w:1 end:4", "lost=2"},
		{Strings, "w:- w:1 w:2 end:-", "lost=1"}, // it may be that only the last one was there to lose
		{Strings, "w:- d:1 r:1 w:1 end:3", "lost=1"},
		{Strings, "w:- d:1 e:1 w:1 end:3", "lost=1"},
		{Strings, "w:- w:1 d:- end:-", "lost=1"},
		{Strings, "w:- w:1 end:1", "lost=1"},

		// It is still there: what was read was old.
		{Strings, "w:- w:1 r:1 r:2 end:2", "stale=1"},
		{Strings, "w:- w:1 r:1 r:1 w:2 end:3", "stale=2"},
		{Strings, "w:- w:1 r:- r:1 end:2", "stale=2"},
		{Strings, "w:- w:1 e:0 end:2", "stale=1"},

		// Writes whose end nobody saw explain what they can, and no more.
		{Strings, "w:- w? end:2", "applied=1"},
		{Strings, "w:- w? end:1", "undone=1"},
		{Strings, "w:- w? r:1 r:2 end:2", "applied=1"},
		{Strings, "w:- w? r:2 r:1 end:1", "disorder=1 applied=1"},
		{Strings, "w:- w? w:1 end:3", "undone=1"},
		{Strings, "w:- w? w:2 end:3", "applied=1"},
		{Strings, "w:- w? w:1 r:3 r:2 end:2", "applied=1"}, // it came late
		{Strings, "w:- w? w:1 end:2", "applied=1"},
		{Strings, "w:- w? w? end:3", "applied=1 unknown=1"},
		{Strings, "w:- w? w? end:1", "undone=2"},
		{Strings, "w:- d:1 w? w? e:1 w:4 r:3 end:3", "applied=2"}, // which of them it was, e did not show
		{Strings, "w:- d? r:- end:-", "applied=1"},
		{Strings, "w:- d? e:0 w:- end:3", "applied=1"},
		{Strings, "w:- w? w:2 r:1 end:1", "lost=1 applied=1"},
		{Strings, "w:- w! r:1 end:1", ""},
		{Strings, "w? r:1 r:1 end:1", "applied=1"},
		{Strings, "w:-" + strings.Repeat(" w?", 9) + " r:1 end:1", "unknown=9"},

		// Tries that the client repeated may take effect twice.
		{Strings, "w:- w:2*2 r:2 end:2", ""},
		{Strings, "w:- w:1*2 w:2 r:2 end:2", ""},
		{Strings, "w:- w:1*2 w:2 r:3 r:2 r:3 end:3", "disorder=1"},
		{Strings, "w:- d:-*2 end:-", ""},

		// A reply of nobody.
		{Strings, "w:- r:9 end:1", "wrong=1"},
		{Strings, "w:- r:OK end:1", "wrong=1"},
		{Strings, "w:- w:9 end:2", "wrong=1 applied=1"},

		// Hashes: what a write replaced is not shown.
		{Hashes, "p r:1 p r:2 end:2", ""},
		{Hashes, "p p r:1 end:1", "lost=1"},
		{Hashes, "p p r:1 r:2 end:2", "stale=1"},
		{Hashes, "p p? p end:3", "unknown=1"},

		{Counters, "i:41 i:42 endi:43", ""},
		{Counters, "i:1 i:3 endi:4", "twice=1"},
		{Counters, "i:1 i:2 i:2 endi:3", "lost=1"},
		{Counters, "i:5 i:6 i:7 endi:6", "lost=2"},
		{Counters, "i:1 i? i:3 endi:4", "applied=1"},
		{Counters, "i:1 i? i:2 endi:3", "undone=1"},
		{Counters, "i:1 i? i:2 endi:4", "applied=1"},
		{Counters, "i:1 i? i:4 endi:5", "twice=1 applied=1"},
		{Counters, "i:1 i:3*2 endi:4", "twice=1"},
		{Counters, "i:x", "wrong=1"},

		{Lists, "l:1 l:2 o:1 o:- endl:1", "lost=1"},
		{Lists, "l:1 l:2 o:1 l:2 o:2 o:4 o:- endl:1", ""},
		{Lists, "l:1 l:3 endl:4", "twice=1"},
		{Lists, "l:1 l:2 l:3 o? endl:3", "applied=1"},
		{Lists, "l:1 l:2 l:3 o? endl:4", "undone=1"},
		{Lists, "l:1 o? o:1 endl:1", "unknown=1"}, // taken from nothing, it left no trace
		{Lists, "l:1 o:1 o:1", "twice=1"},

		{Scores, "i:41 i:43 endi:44", "twice=1"},

		// Sets: five are added, and from then on each addition is followed by the
		// removal of the oldest.
		{Sets, "n:0 s:1 s:1 s:1 s:1 s:1 s:1 s:1 s:1 ends:4", ""},
		{Sets, "n:3 s:1 s:1 ends:5", ""}, // another run left some behind
		{Sets, "n:0 s:1 s:0 s:1 ends:3", "twice=1"},
		{Sets, "n:0 s:1 s:0*2 s:1 ends:3", ""},
		{Sets, "n:0 s:1 s:1 s:1 s:1 s:0 s:1 ends:4", "lost=1"},
		{Sets, "n:0 s:1 s:1 s:1 ends:1", "lost=2"},
		{Sets, "n:0 s:1 s:1 mids:1 s:1 s:1 s:0 s:1 s:1 ends:3", "lost=1"}, // its number told it before
		{Sets, "n:0 s:1 s:1 s:1 s:1 s:0*2 s:1 ends:4", ""},
		{Sets, "n:0 s:1 s? s:1 ends:3", "applied=1"},
		{Sets, "n:0 s:1 s? s:1 ends:2", "undone=1"},
		{Sets, "n:0 s:1 s? s? ends:2", "applied=1 undone=1"},
		{Sets, "n:0 s? s:1 s:1 s:1 s:1 s:1 ends:4", "applied=1"},
		{Sets, "n:0 s? s:1 s:1 s:1 s:0 s:1 ends:4", "undone=1"},
		{Sets, "n:0 s? s:1 s:1 s:1 s:0 s:1 ends:5", "applied=1"},
		{Sets, "n:0 s:1 s:1 s:1 s:1 s? s:1 ends:4", "applied=1"},
		{Sets, "n:0 s:1 s:1 s:1 s:1 s? s:1 ends:5", "undone=1"},
		{Sets, "n:0 s:1 s? mids:2 s:1 ends:3", "applied=1"},
		{Sets, "n:0 s:1 s? mids:1 s:1 ends:3", "undone=1"}, // decided, and late all the same
		{Sets, "n:0 s:1 s? mids:1 mids:1 s:1 ends:3", "twice=1 undone=1"},
		{Sets, "n:0 s? s:1 s:1 s:1 s? s:1 ends:4", "unknown=2"},
		{Sets, "n:0 s:x", "wrong=1"},
		{Sets, "n:0 s:2", "wrong=1"},

		// Reading back while the load goes on: what was decided once is not counted
		// again, and may explain what is seen until it is decided a second time.
		{Strings, "w:- w? mid:1 w:1 r:3 end:3", "undone=1"},
		{Strings, "w:- w? mid:2 w:2 end:3", "applied=1"},
		{Strings, "w:- w? mid:1 w:1 r:2 end:2", "undone=1"},
		{Strings, "w:- w? mid:1 mid:1 w:1 r:3 end:3", "undone=1"},
		{Strings, "w:- w? mid? w:1 end:3", "undone=1"},
		{Strings, "w:- w:1 r:1 mid:1 end:1", "lost=1"},
		{Strings, "w:- w:1 r:1 mid:2 end:2", "stale=1"},
		{Strings, "w:- w? mid:1 w? mid:1 end:1", "undone=2"},
		{Counters, "i:1 i? midi:2 i:3 endi:4", "undone=1"},
		{Counters, "i:1 i? midi:3 i:4 endi:5", "applied=1"},
		{Counters, "i:1 i? midi:2 i:4 endi:5", "undone=1"},
		{Counters, "i:1 i? midi:2 midi:3 i:5 endi:6", "twice=1 undone=1"},
		{Counters, "i:1 i? midi? i:2 endi:4", "applied=1"},
		{Counters, "i:1 i? midi? midi:4 endi:5", "applied=1"},
	} {
		t.Run(tt.space.String()+"/"+tt.script, func(t *testing.T) {
			b := newBook(tt.space)
			play(t, b.Page(0).Take(tt.space, Read, false), b, tt.script)
			if got, want := told(b), tt.want; got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

func TestTrials(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"w:- w:1 r:2 end:2", ""},
		{"w:- w:1 w:1 end:3", "lost=1"},
		{"w:- end:-", "lost=1"},
		{"w:- w:1 w:2 w:3 w:1 end:5", "lost=3"},
		{"w:- w:1*2 w:2 w:2 end:4", ""}, // what was there before the second nobody knows
		{"w:- w? end:1", "undone=1"},
		{"w:- w? end:2", "applied=1"},
		{"w:- w? w? end:1", "unknown=2"},
		{"w:- w:1 w? w:1 end:4", "lost=1 undone=1"},
		{"w:- w! end:1", ""},
		{"w:- r:7 end:1", "wrong=1"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			b := newBook(Strings)
			play(t, b.Page(0).Take(Strings, Read, true), b, tt.script)
			if got := told(b); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// A batch never holds a key twice, and keys come in turn.
func TestTake(t *testing.T) {
	b := New(Config{Spaces: []Space{Strings}, Workers: 2, Keys: 3})
	p := b.Page(1)
	var names []string
	for range 2 {
		var taken []Key
		for range 4 {
			if k := p.Take(Strings, Swap, false); k != nil {
				names = append(names, k.Name())
				taken = append(taken, k)
			}
		}
		for _, k := range taken {
			k.Withdraw(0)
		}
	}
	if got, want := strings.Join(names, " "), "ledger:::1:string:0 ledger:::1:string:1 ledger:::1:string:2 ledger:::1:string:0 ledger:::1:string:1 ledger:::1:string:2"; got != want {
		t.Errorf("took %s, want %s", got, want)
	}
	if k := p.Take(Lists, Push, false); k != nil {
		t.Errorf("took %s of a space the book has not", k.Name())
	}
}
