package workload

import (
	"encoding"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Rate
	}{
		{"5000", Constant(5000)},
		{" 0.5 ", Constant(0.5)},
		{"100..5000/30s", Ramp(100, 5000, 30*time.Second)},
		{"1000/10s, 5000/20s", Steps(Step{1000, 10 * time.Second}, Step{5000, 20 * time.Second})},
		{"1000/10s,5000/20s,0", Steps(Step{1000, 10 * time.Second}, Step{5000, 20 * time.Second}, Step{})},
	} {
		got, err := ParseRate(tt.text)
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("%q: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for text, want := range map[string]string{
		"":            `"" is no number`,
		"fast":        `"fast" is no number`,
		"NaN":         `"NaN" is no number`,
		"-5":          "rate -5",
		"1e10":        "rate 1e+10",
		"1..2":        "part 1 lasts 0s",
		"1/10":        "missing unit",
		"1/0s":        "lasts no time",
		"1,2":         "part 1 lasts 0s",
		"5,":          `"" is no number`,
		"1/-5s,2":     "part 1 lasts -5s",
		"1..2..3/10s": `"2..3" is no number`,
	} {
		if got, err := ParseRate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestRateAt(t *testing.T) {
	r, err := ParseRate("100..200/10s,50/5s,10")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]float64{
		0: 100, 5 * time.Second: 150, 10 * time.Second: 50, 14 * time.Second: 50, 15 * time.Second: 10, time.Hour: 10,
	} {
		if got := r.At(at); got != want {
			t.Errorf("at %v: got %v, want %v", at, got, want)
		}
	}
	if got := r.Peak(); got != 200 {
		t.Errorf("peak: got %v, want 200", got)
	}
}

func TestParseMix(t *testing.T) {
	for text, want := range map[string]Mix{
		"GET=0.8,SET=0.2":    {{"GET", 0.8}, {"SET", 0.2}},
		"get = 4 , set":      {{"GET", 4}, {"SET", 1}},
		"PING":               {{"PING", 1}},
		"HSET=1,HGET=1e-300": {{"HSET", 1}, {"HGET", 1e-300}},
	} {
		got, err := ParseMix(text)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                      `unknown command ""`,
		"GTE=1":                 "did you mean GET?",
		"HGETS":                 "did you mean HGET?",
		"FLUSHALL":              "want one of GET, SET",
		"GET=1,GET=2":           "GET occurs twice",
		"GET=0":                 "weight 0 of GET",
		"GET=-1":                "weight -1 of GET",
		"GET=NaN":               "weight NaN of GET",
		"GET=inf":               "weight +Inf of GET",
		"GET=much":              `weight "much" of GET is no number`,
		"GET=1e308,SET=1e308":   "sum of weights",
		strings.Repeat("X", 99): "want one of",
	} {
		if got, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestParseValues(t *testing.T) {
	for text, want := range map[string]Values{
		"128": {Size: 128}, "64..1024": {64, 1024}, " 5 .. 5 ": {5, 5}, "0..10": {0, 10},
	} {
		if got, err := ParseValues(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "10..5", "1..2..3", "1KB", "999999999999"} {
		if got, err := ParseValues(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// text is a type with a text form.
type text[T any] interface {
	*T
	encoding.TextUnmarshaler
}

// Every name of an enumeration is read as what writes it; a near miss gets a
// suggestion.
func TestNames(t *testing.T) {
	enumeration[Arrival](t, arrivalNames, "poison", "poisson")
	enumeration[Overload](t, overloadNames, "dorp", "drop")
	enumeration[Distribution](t, distributionNames, "zip", "zipf")
	for r := range Reason(Reasons) {
		if r.String() == "" {
			t.Errorf("reason %d has no name", r)
		}
	}
	enumeration[Class](t, classNames[:], "", "")
	if got := Class(200).String(); got != "class(200)" {
		t.Errorf("got %q, want class(200)", got)
	}
}

func enumeration[T interface {
	~uint8
	encoding.TextMarshaler
}, P text[T]](t *testing.T, names []string, typo, suggestion string) {
	t.Helper()
	var got T
	for i, name := range names {
		if err := P(&got).UnmarshalText([]byte(name)); err != nil || got != T(i) {
			t.Errorf("%q: got %v, %v, want value %d", name, got, err, i)
		}
		if again, err := got.MarshalText(); err != nil || string(again) != name {
			t.Errorf("%q: written as %q, %v", name, again, err)
		}
	}
	err := P(&got).UnmarshalText([]byte(typo))
	if err == nil || !strings.Contains(err.Error(), suggestion) {
		t.Errorf("%q: got error %v, want a suggestion of %q", typo, err, suggestion)
	}
}

// What is read is written so that it reads the same again.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"5000", "100..5000/30s,7/1h", "0/1s,5", "GET=0.8,SET=0.2", "get,hset=1e-9", "64..1024", "poisson", "drop", "zipf", "1e9/1ns",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		same[Rate](t, in)
		same[Mix](t, in)
		same[Values](t, in)
		same[Arrival](t, in)
		same[Overload](t, in)
		same[Distribution](t, in)
		if r, err := ParseRate(in); err == nil && r.Peak() > 0 {
			s := Schedule{Rate: r}
			all := take(s, 50)
			if len(all) > 0 && s.Count(all[len(all)-1]) > uint64(len(all)) {
				t.Errorf("%q: counted %d before instant %d", in, s.Count(all[len(all)-1]), len(all))
			}
		}
	})
}

func same[T encoding.TextMarshaler, P text[T]](t *testing.T, in string) {
	t.Helper()
	var first, second T
	if P(&first).UnmarshalText([]byte(in)) != nil {
		return
	}
	out, err := first.MarshalText()
	if err != nil {
		t.Fatalf("%q was read but not written: %v", in, err)
	}
	if err := P(&second).UnmarshalText(out); err != nil {
		t.Fatalf("%q was written as %q, which does not read: %v", in, out, err)
	}
	if again, _ := second.MarshalText(); string(again) != string(out) {
		t.Errorf("%q was written as %q, then as %q", in, out, again)
	}
}
