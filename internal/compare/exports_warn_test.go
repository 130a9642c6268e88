package compare

import (
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
)

// What a collector lacks of the run is in the summary, and said: each kind of
// loss for itself.
func TestLossesOfExports(t *testing.T) {
	for _, c := range []struct {
		exports bundle.Exports
		want    string
	}{
		{bundle.Exports{Sent: 1234567, Failed: 1000, Held: 98765}, "1 000 of 1 235 567 exports to the collector failed and 98 765 were held back"},
		{bundle.Exports{Sent: 7, Overflowed: 4000}, "series beyond the bound of their metric were merged 4 000 times"},
		{bundle.Exports{Sent: 7, SpansLost: 20000}, "20 000 spans were lost"},
		{bundle.Exports{Sent: 7, EventsLost: 6}, "6 log events of marks were lost"},
		{bundle.Exports{Sent: 7}, ""},
	} {
		p := start(t)
		rolling(p)
		s := p.finish(bundle.Final{Valid: true, Exports: c.exports, StartLag: &bundle.Lag{P50: bundle.Seconds(time.Microsecond)}})
		if s.Harness.Exports != c.exports {
			t.Errorf("%+v in the summary, want %+v", s.Harness.Exports, c.exports)
		}
		if c.want != "" {
			wantWarnings(t, s, c.want)
		} else if text := strings.Join(s.Warnings, "\n"); strings.Contains(text, "lost on their way") || strings.Contains(text, "merged") {
			t.Errorf("nothing was lost: %s", text)
		}
	}
}
