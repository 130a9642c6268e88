package export

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// csvKeys are the attributes with a column of their own.
var csvKeys = []string{record.AttrPool, record.AttrOperation, record.AttrOutcome, record.AttrPhase, record.AttrRound}

// CSV writes one row for each series of the whole run, warm-up included: of a
// histogram count, sum and quantiles, of anything else its value. Seconds are
// exact to the nanosecond.
func CSV(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	all, err := readSums(b, s)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	err = out.Write([]string{"run_id", "metric", "kind", "unit", "arm", "pool", "operation", "outcome", "phase", "round", "attributes",
		"value", "count", "sum_s", "min_s", "p50_s", "p95_s", "p99_s", "p999_s", "max_s"})
	for _, x := range all.all {
		row := []string{b.Run.ID, x.Name, x.Kind, x.Unit, x.arm}
		if err == nil {
			err = out.Write(append(append(row, csvAttrs(x.attrs)...), csvValues(x)...))
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

func csvAttrs(attrs []record.Attr) []string {
	row := make([]string, len(csvKeys)+1)
	var others []string
	for _, a := range attrs {
		if i := slices.Index(csvKeys, a.Key); i >= 0 {
			row[i] = a.Value
		} else {
			others = append(others, a.Key+"="+a.Value)
		}
	}
	row[len(csvKeys)] = strings.Join(others, ";")
	return row
}

func csvValues(x series) []string {
	if x.times == nil {
		return append([]string{x.value}, make([]string, 8)...)
	}
	h := x.times
	return append([]string{"", strconv.FormatUint(h.Count(), 10), seconds(h.Sum()), seconds(h.Min())}, append(quantiles(h), seconds(h.Max()))...)
}

func quantiles(h *histogram.Histogram) (out []string) {
	for _, q := range []float64{0.5, 0.95, 0.99, 0.999} {
		out = append(out, seconds(h.Quantile(q)))
	}
	return out
}

// seconds spells a duration as files do: decimal, exact to the nanosecond.
func seconds(d time.Duration) string {
	text, _ := bundle.Seconds(d).MarshalJSON() // which cannot fail
	return string(text)
}
