package export

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// The file, read back, has the rows of CSV, its durations to the nanosecond, and
// histograms that are those of the bundle.
func TestParquetIsTheCSV(t *testing.T) {
	b, s := recorded(t)
	var text, file, again bytes.Buffer
	if err := CSV(&text, b, s); err != nil {
		t.Fatal(err)
	}
	if err := Parquet(&file, b, s); err != nil {
		t.Fatal(err)
	}
	if err := Parquet(&again, b, s); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Errorf("made twice the bytes differ (error %v)", err)
	}
	want, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[parquetRow](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(rows) != len(want)-1 || len(rows) == 0 {
		t.Fatalf("%d rows, CSV has %d (error %v)", len(rows), len(want)-1, err)
	}
	for i, row := range rows {
		if got := row.csv(); !slices.Equal(got, want[i+1]) {
			t.Errorf("row %d is\n%q, CSV says\n%q", i, got, want[i+1])
		}
	}
	sums, err := readSums(b, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range sums.all {
		if x.times == nil {
			continue
		}
		var counts []uint64
		for _, n := range rows[i].Buckets {
			counts = append(counts, uint64(n))
		}
		h, err := histogram.FromBuckets(*rows[i].Offset, counts, uint64(*rows[i].Zero), time.Duration(*rows[i].Sum), time.Duration(*rows[i].Min), time.Duration(*rows[i].Max))
		if err != nil || !h.Equal(x.times) {
			t.Errorf("row %d: another histogram (error %v)", i, err)
		}
	}
}

// csv spells the row as CSV does.
func (r parquetRow) csv() []string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	whole := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	duration := func(n *int64) string {
		if n == nil {
			return ""
		}
		return seconds(time.Duration(*n))
	}
	round, value := "", whole(r.Total)
	if r.Round != nil {
		round = strconv.Itoa(int(*r.Round))
	}
	if r.Value != nil {
		value = strconv.FormatFloat(*r.Value, 'g', -1, 64)
	}
	var others []string
	for k, v := range r.Attributes {
		others = append(others, k+"="+v)
	}
	slices.Sort(others)
	return []string{r.RunID, r.Metric, r.Kind, r.Unit, text(r.Arm), text(r.Pool), text(r.Operation), text(r.Outcome), text(r.Phase), round, strings.Join(others, ";"),
		value, whole(r.Count), duration(r.Sum), duration(r.Min), duration(r.P50), duration(r.P95), duration(r.P99), duration(r.P999), duration(r.Max)}
}

// The file says of itself what it is.
func TestParquetDescribesItself(t *testing.T) {
	b, s := recorded(t)
	var out bytes.Buffer
	if err := Parquet(&out, b, s); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"schload.schema": ParquetSchema, "schload.run_id": "r-1", "schload.upgrade": "endpoint-rebind", "schload.started": "2026-05-01T12:00:00.123456789Z"} {
		if got, _ := f.Lookup(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	kinds := map[string]parquet.Kind{"round": parquet.Int32, "value": parquet.Double, "total": parquet.Int64, "p99_ns": parquet.Int64, "arm": parquet.ByteArray}
	for name, want := range kinds {
		if leaf, ok := f.Schema().Lookup(name); !ok || leaf.Node.Type().Kind() != want || !leaf.Node.Optional() {
			t.Errorf("column %s: found %v, want an optional %v", name, ok, want)
		}
	}
	found := false
	for row, err := range readRows(t, out.Bytes()) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || row.Metric == record.ResponseTime && *row.Arm == "on"
	}
	if !found {
		t.Error("no response time of arm on")
	}
}

func readRows(t *testing.T, file []byte) func(func(parquetRow, error) bool) {
	t.Helper()
	rows, err := parquet.Read[parquetRow](bytes.NewReader(file), int64(len(file)))
	return func(yield func(parquetRow, error) bool) {
		if err != nil {
			yield(parquetRow{}, err)
			return
		}
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}
