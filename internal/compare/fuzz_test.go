package compare

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// Law: whatever stands in the files, a summary or an error comes out.
func FuzzSummarize(f *testing.F) {
	dir := f.TempDir()
	w, err := bundle.Create(filepath.Join(dir, "b"), bundle.Run{ID: "r", Started: time.Unix(1, 0), Arms: []bundle.Arm{{Name: "on", Requested: "on"}}})
	if err != nil {
		f.Fatal(err)
	}
	r := record.New(record.Config{Arms: []record.Arm{{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}}}}, Marks: w.Mark})
	r.Begin(1, record.Maintenance, 0)
	s := r.Sink("on", "main")
	s.Due(0, 2)
	s.Done(workload.Sample{Done: time.Second}, 1)
	s.Missed(0, workload.Deadline, 1)
	if err := w.Interval(r.Finish(2 * time.Second)); err != nil {
		f.Fatal(err)
	}
	if err := w.Finish(bundle.Final{Valid: true}); err != nil {
		f.Fatal(err)
	}
	var files [3][]byte
	for i, name := range []string{"run.json", "metrics.otlp.jsonl", "marks.jsonl"} {
		if files[i], err = os.ReadFile(filepath.Join(w.Dir(), name)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(files[0], files[1], files[2])
	f.Fuzz(func(t *testing.T, run, metrics, marks []byte) {
		dir := t.TempDir()
		for name, text := range map[string][]byte{"run.json": run, "metrics.otlp.jsonl": metrics, "marks.jsonl": marks} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := bundle.Open(dir)
		if err != nil {
			return
		}
		s, err := Summarize(b)
		if err == nil && s.Valid != (len(s.InvalidReasons) == 0) {
			t.Errorf("valid %v with reasons %q", s.Valid, s.InvalidReasons)
		}
	})
}
