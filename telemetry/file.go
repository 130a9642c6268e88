package telemetry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"sync"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Stdout as Config.File writes to Config.Console.
const Stdout = "-"

// lines writes exports as OTLP/JSON, one request a line: the format of a
// collector's file exporter, which its otlpjsonfile receiver reads back. It
// stands where the network would, so that what is in the file is what the
// OTLP exporter would have sent.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	close func() error
}

// openLines appends to the file, which it makes if there is none.
func openLines(path string, console io.Writer) (*lines, error) {
	if path == Stdout {
		return &lines{to: console, close: func() error { return nil }}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("telemetry file: %w", err)
	}
	return &lines{to: file, close: file.Close}, nil
}

// open opens the file of a route. All signals write into the same one.
func (e *Exporter) open(r route) (err error) {
	if e.lines == nil {
		e.lines, err = openLines(r.file, r.console)
	}
	return err
}

// exporter returns an exporter whose requests become lines.
func (l *lines) exporter(ctx context.Context) (sdkmetric.Exporter, error) {
	return otlpmetrichttp.New(ctx,
		otlpmetrichttp.WithEndpointURL("http://file.invalid"+metricsSignal.path), // never dialled
		otlpmetrichttp.WithHTTPClient(&http.Client{Transport: l}),
		otlpmetrichttp.WithHeaders(map[string]string{}),
		otlpmetrichttp.WithCompression(otlpmetrichttp.NoCompression),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
}

// RoundTrip implements http.RoundTripper: it writes the request's line.
func (l *lines) RoundTrip(request *http.Request) (*http.Response, error) {
	defer request.Body.Close()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	line, err := lineOf(request.URL.Path, body)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.to.Write(line); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

// lineOf turns a request for the path into a line.
func lineOf(path string, body []byte) ([]byte, error) {
	var export proto.Message = new(collector.ExportMetricsServiceRequest)
	if path == tracesSignal.path {
		export = new(collectortrace.ExportTraceServiceRequest)
	}
	if err := proto.Unmarshal(body, export); err != nil {
		return nil, err
	}
	return jsonLine(export)
}

func jsonLine(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	// protojson puts spaces at random so that nobody relies on its layout.
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	if !bytes.Contains(b.Bytes(), []byte(`Id":"`)) { // looking for the expression takes twice as long as all the rest
		return b.Bytes(), nil
	}
	return identifiers.ReplaceAllFunc(b.Bytes(), inHex), nil
}

// identifiers are the ones that OTLP/JSON writes in hex, where Protobuf's JSON
// has base64. Within a text quotes are escaped, so none is taken for one.
var identifiers = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":"[A-Za-z0-9+/=]*"`)

func inHex(pair []byte) []byte {
	key, value, _ := bytes.Cut(pair, []byte(`":"`))
	id, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(value, []byte(`"`))))
	if err != nil {
		return pair
	}
	return fmt.Appendf(nil, `%s":"%x"`, key, id)
}
