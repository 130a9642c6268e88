package observability

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// What schload compare reads from Prometheus is what it reads from the bundle:
// every count, and every quantile as it is printed. Of the longest it says at
// most how long.
func TestE2EObservabilityServed(t *testing.T) {
	s := up(t)
	first := loaded(t, nil, s.grpc, "--upgrade", "endpoint-rebind", "--rate", "500")
	second := loaded(t, nil, s.http, "--upgrade", "in-place", "--rate", "500", "--rounds", "2", "--export-rounds")
	for _, r := range []*summary{&first, &second} {
		s.settled(t, r)
		alike(t, table(t, r.dir), table(t, s.served(r.RunID)))
	}
	both := table(t, s.served(first.RunID+"&run="+second.RunID))
	for _, r := range []summary{first, second} {
		for _, a := range r.Arms {
			if got := both["operations due "+r.RunID+"/"+a.Name]; got != grouped(a.Operations.Due) {
				t.Errorf("side by side, due of %s %s: %q, want %s", r.RunID, a.Name, got, grouped(a.Operations.Due))
			}
		}
	}
	out, err := exec.Command(built(t, "SCHLOAD", "bin/schload"), "compare", s.served("nobody")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "it has "+max(first.RunID, second.RunID)+", "+min(first.RunID, second.RunID)) {
		t.Errorf("a run that is not there: %v %s", err, out)
	}
}

func (s *stack) served(run string) string {
	return "prometheus://" + strings.TrimPrefix(s.prometheus, "http://") + "?since=1h&run=" + run
}

// table returns the cells that schload compare prints of a source, by part, row
// and arm.
func table(t *testing.T, source string) map[string]string {
	t.Helper()
	out, err := exec.Command(built(t, "SCHLOAD", "bin/schload"), "compare", source).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cells, part, arms, edges := map[string]string{}, "", []string(nil), []int(nil)
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if arms == nil {
			if fields := strings.Fields(line); strings.HasPrefix(line, "          ") && len(fields) >= 2 {
				arms = fields
				for _, name := range arms {
					edges = append(edges, strings.Index(line+" ", name+" ")+len(name))
				}
			}
			continue
		}
		if line == "" {
			break
		}
		if !strings.HasPrefix(line, " ") {
			part, _, _ = strings.Cut(line, ",")
			part, _, _ = strings.Cut(part, " of successes")
		}
		begin := strings.LastIndex(line[:min(edges[0], len(line))], "  ")
		for begin >= 0 && strings.TrimSpace(line[:begin]) == "" {
			begin = -1
		}
		if begin < 0 || len(line) < edges[len(edges)-1] {
			continue
		}
		row := strings.Join(strings.Fields(line[:begin]), " ")
		row, _, _ = strings.Cut(row, " (")
		for i, name := range arms {
			cells[part+" "+row+" "+name] = strings.TrimSpace(line[begin:edges[i]])
			begin = edges[i]
		}
	}
	return cells
}

// alike holds what a server has against the bundle.
func alike(t *testing.T, bundle, served map[string]string) {
	t.Helper()
	compared := 0
	for row, want := range bundle {
		part, _, _ := strings.Cut(row, " ")
		if part != "operations" && part != "response" && part != "service" {
			continue
		}
		if !strings.Contains(row, " max ") {
			if got := served[row]; got != want || want == "" {
				t.Errorf("%s: Prometheus has %q, the bundle %q", row, got, want)
			}
			compared++
			continue
		}
		got, err := number(served[strings.Replace(row, " max ", " max, at most ", 1)])
		longest, bad := number(want)
		// Both are printed with three digits.
		if err != nil || bad != nil || got < longest*0.995 || got > longest*(1+bucket)*1.005 {
			t.Errorf("%s: Prometheus has at most %v (%v), the bundle %v (%v)", row, got, err, longest, bad)
		}
		compared++
	}
	if compared < 50 {
		t.Errorf("%d cells compared: %v", compared, bundle)
	}
}

func number(cell string) (float64, error) {
	return strconv.ParseFloat(strings.ReplaceAll(cell, " ", ""), 64)
}

// grouped spells a number as tables do.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
