package upgrade

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// FuzzParse holds Parse to its laws: no panic; what parses has a plan or a
// reason, draws the same plan twice, and can be explained when it has one.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"catalog/*.yaml", "testdata/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := Parse("fuzz.yaml", data)
		if err != nil {
			return
		}
		for _, speed := range []float64{1, 7} {
			p, err := u.Plan(1, speed)
			if err != nil {
				return
			}
			last := time.Duration(0)
			for _, a := range p.Actions {
				if a.At < last || a.For < 0 || a.End() > p.Length || a.Origin == "" {
					t.Fatalf("speed %v: action %+v after %v in a plan of %v", speed, a, last, p.Length)
				}
				last = a.At
			}
		}
		if _, err := u.Markdown(); err != nil {
			t.Fatalf("a plan but no text: %v", err)
		}
	})
}

// FuzzExpression: no panic; what parses is spelt so that it parses again to
// the same, and means the same.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{"a", "a + b - 1.5s", "0", "1h-2µs", "a+", "+", "a - -b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseExpression(text)
		if err != nil {
			return
		}
		again, err := parseExpression(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q is spelt %q, which is %v, %v", text, e, again, err)
		}
		values := map[string]time.Duration{}
		for i, name := range e.names() {
			values[name] = time.Duration(i+1) * time.Second
		}
		if e.value(values) != again.value(values) {
			t.Fatalf("%q = %v, spelt %q = %v", text, e.value(values), again, again.value(values))
		}
	})
}

// FuzzValue: no panic; what parses is spelt so that it parses to itself, and
// vouches for itself and for all it draws.
func FuzzValue(f *testing.F) {
	for _, text := range []string{"15s", "0.7s..4.1s", "{4.4s, 9.7s}", "3", "0.5", "{1, 2}", "text", "{a,b}", "1e3", "-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind := kindOf(text)
		v, err := parseValue(kind, text)
		if err != nil {
			return
		}
		again, err := parseValue(kind, v.String())
		if err != nil || again.String() != v.String() {
			t.Fatalf("%q is spelt %q, which is %v, %v", text, v, again, err)
		}
		drawn, err := parseValue(kind, v.draw(1, "name"))
		if err != nil || !v.covers(drawn) || !v.covers(v) && v.form != span {
			t.Fatalf("%q drew %v, %v", text, drawn, err)
		}
	})
}

// FuzzPlan: a setting is refused at every speed or at none; what is accepted
// keeps its order at every speed, announces whole seconds of at least 1 and
// closes no proxy before its announced time.
func FuzzPlan(f *testing.F) {
	of := func(name string) uint8 { return uint8(slices.Index(Names(), name)) }
	f.Add(of("endpoint-rebind"), uint64(1), 5.0, "moving_close_slack=0.7s..4.1s")
	f.Add(of("endpoint-rebind"), uint64(2), 7.3, "moving_time=1400ms")
	f.Add(of("endpoint-rebind"), uint64(3), 10.0, "moving_close_slack=0s")
	f.Add(of("failover"), uint64(4), 0.3, "failover_stall={100ms, 1s}")
	f.Add(of("in-place"), uint64(5), 31.0, "announce_time=1s..9s")
	f.Add(of("shard-migration"), uint64(6), 999.0, "demotion_stall=10.3s")
	f.Add(of("maintenance-mode"), uint64(7), 9.0, "op_to_exit_moving=20s..60s")
	f.Add(of("rolling-extra-node"), uint64(8), 3.3, "node_turn=10s..90s")
	f.Add(of("version-upgrade"), uint64(9), 0.7, "preserve_roles={yes, no}")
	f.Add(of("oss-reshard"), uint64(11), 3.0, "windows=7")
	f.Add(of("oss-reshard"), uint64(12), 0.5, "window_every=200ms")
	f.Add(of("oss-slot-remove"), uint64(13), 11.0, "smigrated_after={0s, 1s}")
	f.Add(of("oss-slot-add"), uint64(14), 2.0, "slots=8892-8991")
	f.Add(of("node-failure"), uint64(10), 17.0, "silence=0s..30s")
	f.Fuzz(func(t *testing.T, which uint8, seed uint64, speed float64, assignment string) {
		names := Names()
		u, err := Load(names[int(which)%len(names)])
		if err != nil {
			t.Fatal(err)
		}
		u, err = u.Set([]string{assignment})
		if err != nil || !(speed >= 0.01 && speed <= 1000) {
			return
		}
		one, errOne := u.Plan(seed, 1)
		p, err := u.Plan(seed, speed)
		if (err == nil) != (errOne == nil) {
			t.Fatalf("%s %s: %v at speed 1, %v at speed %v", u.Name, assignment, errOne, err, speed)
		}
		if err != nil {
			return
		}
		until, untilOne := time.Duration(0), time.Duration(0) // the last announcement's end
		for i, a := range p.Actions {
			if a.Step != one.Actions[i].Step || i > 0 && a.At < p.Actions[i-1].At {
				t.Fatalf("%s %s at speed %v: action %d is step %d at %v, at speed 1 step %d", u.Name, assignment, speed, i, a.Step, a.At, one.Actions[i].Step)
			}
			if a.Act == Notify && announces(a.Notice) {
				if a.Seconds < 1 {
					t.Fatalf("%s %s at speed %v: announces %d s", u.Name, assignment, speed, a.Seconds)
				}
				until = a.At + time.Duration(a.Seconds)*time.Second
				untilOne = one.Actions[i].At + time.Duration(one.Actions[i].Seconds)*time.Second
			}
			// Where turns of nodes overlap, the last announcement is another node's.
			if own := one.Actions[i].At >= untilOne-grain; a.Act == Close && own && a.At < until-grain {
				t.Fatalf("%s %s at speed %v: closes at %v, announced %v", u.Name, assignment, speed, a.At, until)
			}
		}
	})
}
