package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// Export is what files of exported telemetry hold of one run.
type Export struct {
	RunID string

	// Whole is the run as its bundle has it, number by number; nil if that
	// cannot be had back, and then Lacking says why and Alone is what the
	// metrics tell by themselves. Nothing may be written to it.
	Whole   *Bundle
	Lacking string
	Alone   Exported
}

// ReadExports reads OTLP/JSON, one request a line, as a collector's file
// exporter or --otlp-file writes it: metrics and log events of one or several
// runs, in one or several files. The files of one run may be given in any
// order, but those of the same arm's metrics in the order they were written.
// What is not of schload is left out. An error names file and line, and nothing
// of a file with an error is returned. Runs are sorted by their ids.
func ReadExports(paths []string) ([]Export, error) {
	events, err := eventsOf(paths)
	if err != nil {
		return nil, err
	}
	wholes, reasons := map[string]*whole{}, map[string]string{}
	for id, e := range events {
		t, err := e.timeline()
		if err == nil && t.run.ID != id {
			err = fmt.Errorf("its events are of run %s", t.run.ID)
		}
		switch {
		case errors.Is(err, errLacking):
			reasons[id] = err.Error()
		case err != nil:
			return nil, fmt.Errorf("%s: run %s: %w", strings.Join(paths, ", "), id, err)
		default:
			wholes[id] = newWhole(t)
		}
	}
	ids, err := readWholes(paths, wholes, reasons)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: no metrics of schload: no resource has %s", strings.Join(paths, ", "), attrRun)
	}
	var exports []Export
	for _, id := range sortedRuns(ids) {
		x := Export{RunID: id, Lacking: reasons[id]}
		if w := wholes[id]; w != nil {
			x.Whole = &Bundle{Dir: strings.Join(paths, ", "), Run: w.run, exported: w}
			x.Whole.inspectRun()
			x.Whole.inspectMarks()
		} else if x.Alone, err = metricsAlone(id, paths); err != nil {
			return nil, err
		}
		exports = append(exports, x)
	}
	return exports, nil
}

// readWholes reads the metrics of runs whose events are whole, and takes those
// out whose metrics are not. It returns the runs that have metrics.
func readWholes(paths []string, wholes map[string]*whole, reasons map[string]string) (map[string]bool, error) {
	ids := map[string]bool{}
	err := eachMetrics(paths, func(data *metricspb.MetricsData) error {
		for _, rm := range data.GetResourceMetrics() {
			id := value(rm.GetResource().GetAttributes(), attrRun)
			if id == "" {
				continue
			}
			ids[id] = true
			w := wholes[id]
			if w == nil {
				continue
			}
			switch err := w.resource(rm); {
			case errors.Is(err, errLacking):
				reasons[id] = err.Error()
				delete(wholes, id)
			case err != nil:
				return fmt.Errorf("run %s: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for id, w := range wholes {
		err := w.complete()
		switch {
		case errors.Is(err, errLacking):
			reasons[id] = err.Error()
			delete(wholes, id)
		case err != nil:
			return nil, fmt.Errorf("%s: run %s: %w", strings.Join(paths, ", "), id, err)
		}
	}
	for id := range ids {
		if wholes[id] == nil && reasons[id] == "" {
			reasons[id] = "the timeline was not exported (--export-marks)"
		}
	}
	return ids, nil
}

// eachMetrics hands on the metrics of each line.
func eachMetrics(paths []string, each func(*metricspb.MetricsData) error) error {
	for _, path := range paths {
		err := exportedLines(path, func(line []byte) error {
			if bytes.Contains(line, wordLogs) && !bytes.Contains(line, wordMetrics) {
				return nil // read before
			}
			data, err := metricsOf(line)
			if err != nil {
				return err
			}
			return each(data)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
