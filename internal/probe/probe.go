package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"schload/internal/bundle"
)

// HTTP wants an answer with a status of 200 to 299.
func HTTP(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%q: want a URL such as http://127.0.0.1:13133/", address)
	}
	response, err := http.DefaultClient.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", request.URL.Redacted(), err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", request.URL.Redacted(), response.Status)
	}
	return nil
}

// Redis wants a reply to PING at host:port. That a password is wanted first
// is a reply too. The resolver, which may be nil, looks the host up.
func Redis(ctx context.Context, address string, resolver *net.Resolver) error {
	dialer := net.Dialer{Resolver: resolver}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	line, err := bufio.NewReaderSize(io.LimitReader(conn, 512), 512).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: no reply to PING: %w", address, err)
	}
	if line = strings.TrimSpace(line); line != "+PONG" && !strings.HasPrefix(line, "-NOAUTH") {
		return fmt.Errorf("%s: replied %q to PING", address, line)
	}
	return nil
}

// Runs wants the newest bundle below a directory to have got an interval not
// longer ago than within.
func Runs(dir string, within time.Duration) error {
	name, at, err := bundle.Newest(dir)
	switch {
	case err != nil:
		return err
	case name == "":
		return fmt.Errorf("%s: no run yet", dir)
	case time.Since(at) > within:
		return fmt.Errorf("%s: nothing was recorded for %v: the run stands still, or is over", name, time.Since(at).Round(time.Second))
	}
	return nil
}
