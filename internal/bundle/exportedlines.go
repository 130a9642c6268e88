package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// exportedLines hands the lines of a file of exports to each, in order. An
// error names file and line, and the file is read no further.
func exportedLines(path string, each func(line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	if start, _ := in.Peek(longestMagic); packing(start) != "" {
		return packed(path, packing(start))
	}
	for n, begun := 1, false; ; n++ {
		line, err := wholeLine(in)
		if text := bytes.TrimSpace(line); !begun && len(text) > 0 {
			if begun = true; text[0] != '{' {
				return fmt.Errorf("%s line %d: %w", path, n, foreign(text))
			}
		}
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%s line %d: it is torn, its newline is missing: the file was cut off, copy it whole", path, n)
		case err != nil:
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := each(line); err != nil {
			return fmt.Errorf("%s line %d: %w", path, n, err)
		}
	}
}

// foreign says of a file that begins so that it is none of schload's, rather than
// that a part of it is missing.
func foreign(start []byte) error {
	const shown = 16
	return fmt.Errorf("not an OTLP/JSON request: it begins with %q, want {\"resourceMetrics\":; this is no export of schload's, nor a file of a bundle: give a directory that schload run wrote, or a file of --otlp-file or of a collector's file exporter (format json)",
		start[:min(shown, len(start))])
}

// wholeLine reads up to a newline; of a line that holds more than it may, its
// beginning.
func wholeLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return line, errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

var (
	wordMetrics = []byte(`"resourceMetrics"`)
	wordLogs    = []byte(`"resourceLogs"`)
)

// metricsOf reads a line as metrics; what it holds of other signals is left out.
func metricsOf(line []byte) (*metricspb.MetricsData, error) {
	data := new(metricspb.MetricsData)
	return data, decodeJSON(line, data)
}

// logsOf reads a line as log events, nil if it holds none.
func logsOf(line []byte) (*logspb.LogsData, error) {
	if !bytes.Contains(line, wordLogs) {
		return nil, nil
	}
	data := new(logspb.LogsData)
	return data, decodeJSON(line, data)
}

func decodeJSON(line []byte, into proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, into); err != nil {
		return fmt.Errorf("not an OTLP/JSON request: %w", err)
	}
	return nil
}
