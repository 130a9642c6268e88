package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
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
	if err := l.write(request.Context(), request.URL.Path, body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

// write appends the line of a request for the path. A pipe may keep it waiting.
func (l *lines) write(ctx context.Context, path string, body []byte) error {
	line, err := lineOf(path, body)
	if err != nil {
		return err
	}
	underWay(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.to.Write(line)
	return err
}

// lineOf turns a request for the path into a line. The collector's own library
// spells it, a file exporter's too: it takes a sixth of protojson's time.
func lineOf(path string, body []byte) ([]byte, error) {
	export := request(path)
	if err := export.UnmarshalProto(body); err != nil {
		return nil, err
	}
	breathe()
	line, err := export.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return append(line, '\n'), nil
}

// exportRequest is what the three signals' requests have in common.
type exportRequest interface {
	UnmarshalProto(data []byte) error
	MarshalJSON() ([]byte, error)
}

// request returns an empty one of the kind that is sent to the path.
func request(path string) exportRequest {
	switch path {
	case tracesSignal.path:
		return ptraceotlp.NewExportRequest()
	case logsSignal.path:
		return plogotlp.NewExportRequest()
	}
	return pmetricotlp.NewExportRequest()
}
