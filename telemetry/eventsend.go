package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// sendEvents sends one request of events and returns how many were refused.
type sendEvents func(context.Context, *collogs.ExportLogsServiceRequest) (rejected int64, err error)

// eventsOverHTTP posts to the endpoint.
func (r route) eventsOverHTTP(client *http.Client) sendEvents {
	return func(ctx context.Context, events *collogs.ExportLogsServiceRequest) (int64, error) {
		body, err := r.packed(events)
		if err != nil {
			return 0, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint.String(), bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		for name, value := range r.headers {
			request.Header.Set(name, value)
		}
		request.Header.Set("Content-Type", "application/x-protobuf")
		if r.compression != "" {
			request.Header.Set("Content-Encoding", r.compression)
		}
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		return answered(r.endpoint, response)
	}
}

func (r route) packed(events *collogs.ExportLogsServiceRequest) ([]byte, error) {
	body, err := proto.Marshal(events)
	if err != nil || r.compression == "" {
		return body, err
	}
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	if _, err := zip.Write(body); err != nil {
		return nil, err
	}
	err = zip.Close()
	return b.Bytes(), err
}

func answered(to *url.URL, response *http.Response) (int64, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return 0, err
	}
	if response.StatusCode/100 != 2 {
		again := ""
		if response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable {
			again = " (retry-able)"
		}
		return 0, fmt.Errorf("events to %s: %s %s", to, response.Status, again)
	}
	var answer collogs.ExportLogsServiceResponse
	if err := proto.Unmarshal(text, &answer); err != nil {
		return 0, err
	}
	return answer.GetPartialSuccess().GetRejectedLogRecords(), nil
}

// eventsOverGRPC calls the service.
func (r route) eventsOverGRPC(conn *grpc.ClientConn) sendEvents {
	service := collogs.NewLogsServiceClient(conn)
	return func(ctx context.Context, events *collogs.ExportLogsServiceRequest) (int64, error) {
		answer, err := service.Export(metadata.NewOutgoingContext(ctx, metadata.New(r.headers)), events)
		return answer.GetPartialSuccess().GetRejectedLogRecords(), err
	}
}

// events appends a request of events to the file.
func (l *lines) events(ctx context.Context, events *collogs.ExportLogsServiceRequest) (int64, error) {
	body, err := proto.Marshal(events)
	if err != nil {
		return 0, err
	}
	return 0, l.write(ctx, logsSignal.path, body)
}
