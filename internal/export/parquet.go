package export

import (
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// ParquetSchema names the layout of the columns. The number rises when a column
// changes its meaning; further columns do not raise it.
const ParquetSchema = "schload.parquet/1"

// parquetRow is a series of the whole run: a row of CSV with typed columns. What
// CSV leaves empty is null.
type parquetRow struct {
	RunID      string            `parquet:"run_id,dict"`
	Metric     string            `parquet:"metric,dict"`
	Kind       string            `parquet:"kind,dict"`
	Unit       string            `parquet:"unit,dict"`
	Arm        *string           `parquet:"arm,optional,dict"`
	Pool       *string           `parquet:"pool,optional,dict"`
	Operation  *string           `parquet:"operation,optional,dict"`
	Outcome    *string           `parquet:"outcome,optional,dict"`
	Phase      *string           `parquet:"phase,optional,dict"`
	Round      *int32            `parquet:"round,optional"`
	Attributes map[string]string `parquet:"attributes"`

	Total *int64   `parquet:"total,optional"` // of a counter
	Value *float64 `parquet:"value,optional"` // of a gauge

	Count *int64 `parquet:"count,optional"`
	Sum   *int64 `parquet:"sum_ns,optional"`
	Min   *int64 `parquet:"min_ns,optional"`
	P50   *int64 `parquet:"p50_ns,optional"`
	P95   *int64 `parquet:"p95_ns,optional"`
	P99   *int64 `parquet:"p99_ns,optional"`
	P999  *int64 `parquet:"p999_ns,optional"`
	Max   *int64 `parquet:"max_ns,optional"`

	Zero    *int64  `parquet:"zero_count,optional"`
	Offset  *int32  `parquet:"bucket_offset,optional"`
	Buckets []int64 `parquet:"bucket_counts,list"`
}

// Parquet writes the rows of CSV as an Apache Parquet file with typed columns:
// durations are whole nanoseconds, and each histogram has its buckets, so that
// it can be added to others. The file's metadata say what run it is of and what
// the columns mean.
func Parquet(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	all, err := readSums(b, s)
	if err != nil {
		return err
	}
	options := []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.CreatedBy("schload", b.Run.Versions.Schload, "")}
	for _, m := range parquetMetadata(b) {
		options = append(options, parquet.KeyValueMetadata(m[0], m[1]))
	}
	out := parquet.NewGenericWriter[parquetRow](w, options...)
	for _, x := range all.all {
		row, err := parquetOf(b.Run.ID, x)
		if err == nil {
			_, err = out.Write([]parquetRow{row})
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// parquetMetadata are the file's own words on what is in it.
func parquetMetadata(b *bundle.Bundle) [][2]string {
	return [][2]string{
		{"schload.schema", ParquetSchema},
		{"schload.run_id", b.Run.ID},
		{"schload.upgrade", b.Run.Upgrade.Name},
		{"schload.stage", b.Run.Stage},
		{"schload.started", b.Run.Started.UTC().Format(time.RFC3339Nano)},
		{"schload.version", b.Run.Versions.Schload},
		{"schload.rows", "one for each series of the whole run, warm-up included; phase and round tell them apart"},
		{"schload.columns", "total: of a counter; value: of a gauge, as of the last interval, in unit; count, *_ns and buckets: of a histogram, *_ns in nanoseconds; attributes: those without a column"},
		{"schload.buckets", "base 2^(2^-" + strconv.Itoa(histogram.Scale) + "): bucket_counts[i] is of the durations in (base^(bucket_offset+i), base^(bucket_offset+i+1)] seconds, zero_count of those up to 2^-20 s, index 448 of those above 2^7 s"},
	}
}

func parquetOf(run string, x series) (parquetRow, error) {
	row := parquetRow{RunID: run, Metric: x.Name, Kind: x.Kind, Unit: x.Unit, Attributes: map[string]string{}}
	if x.arm != "" {
		row.Arm = &x.arm
	}
	columns := map[string]**string{record.AttrPool: &row.Pool, record.AttrOperation: &row.Operation, record.AttrOutcome: &row.Outcome, record.AttrPhase: &row.Phase}
	for _, a := range x.attrs {
		switch column := columns[a.Key]; {
		case column != nil && a.Value != "": // an empty one is absent in CSV too
			*column = &a.Value
		case column != nil:
		case a.Key == record.AttrRound:
			n, err := strconv.ParseInt(a.Value, 10, 32)
			if err != nil {
				return row, err
			}
			row.Round = new(int32(n))
		default:
			row.Attributes[a.Key] = a.Value
		}
	}
	if x.times != nil {
		row.take(x.times)
		return row, nil
	}
	if x.Kind == record.Counter {
		n, err := strconv.ParseInt(x.value, 10, 64)
		row.Total = &n
		return row, err
	}
	v, err := strconv.ParseFloat(x.value, 64)
	row.Value = &v
	return row, err
}

// take takes the columns of a histogram.
func (r *parquetRow) take(h *histogram.Histogram) {
	whole := func(n uint64) *int64 { return new(int64(n)) }
	quantile := func(q float64) *int64 { return new(int64(h.Quantile(q))) }
	r.Count, r.Zero = whole(h.Count()), whole(h.Zero())
	r.Sum, r.Min, r.Max = new(int64(h.Sum())), new(int64(h.Min())), new(int64(h.Max()))
	r.P50, r.P95, r.P99, r.P999 = quantile(0.5), quantile(0.95), quantile(0.99), quantile(0.999)
	offset, counts := h.Buckets()
	r.Offset = &offset
	for _, n := range counts {
		r.Buckets = append(r.Buckets, int64(n))
	}
}
