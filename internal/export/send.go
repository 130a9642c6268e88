package export

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"schload/internal/bundle"
)

// sendTimeout is for one line.
const sendTimeout = 30 * time.Second

// Receiver is where lines go by OTLP/HTTP with JSON.
type Receiver struct {
	url    string
	header map[string]string
}

// NewReceiver checks an endpoint such as http://host:4318; a path is kept,
// without one it is /v1/metrics. The header may hold secrets and is not repeated.
func NewReceiver(endpoint string, header map[string]string) (Receiver, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Receiver{}, fmt.Errorf("endpoint %q: want http://HOST:4318 or https://HOST (lines are sent by OTLP/HTTP, not gRPC)", bundle.Redact(endpoint))
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/metrics"
	}
	return Receiver{u.String(), header}, nil
}

// Send posts the bundle's lines in order, each once, and returns how many were
// taken. It ends at the first that was not: a line posted again would count twice
// where its first answer was lost.
func (r Receiver) Send(ctx context.Context, b *bundle.Bundle, shift Shift) (sent int, err error) {
	client := &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for line, err := range b.Lines() {
		if err != nil {
			return sent, err
		}
		if line, err = shift.line(line); err != nil {
			return sent, err
		}
		if err = r.post(ctx, client, line); err != nil {
			return sent, fmt.Errorf("line %d: %w; the receiver has the %d before it", sent+1, err, sent)
		}
		sent++
	}
	return sent, nil
}

func (r Receiver) post(ctx context.Context, client *http.Client, line []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(line))
	if err != nil {
		return err
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s: %s", bundle.Redact(r.url), resp.Status, shorten(body))
	}
	return rejected(body)
}

// rejected reads a partial success, which OTLP answers with 200.
func rejected(body []byte) error {
	var answer struct {
		PartialSuccess struct {
			Rejected json.RawMessage `json:"rejectedDataPoints"`
			Message  string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(body, &answer) != nil { // an empty body is a whole success
		return nil
	}
	p := answer.PartialSuccess
	if n := strings.Trim(string(p.Rejected), `"`); n != "" && n != "0" && n != "null" {
		return fmt.Errorf("the receiver rejected %s points: %s", n, shorten([]byte(p.Message)))
	}
	return nil
}

func shorten(text []byte) string {
	return fmt.Sprintf("%.200q", bytes.TrimSpace(text))
}
