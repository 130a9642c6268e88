package telemetry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// scraped serves the sources to Prometheus. Native histograms travel in the
// protobuf format only: the scraping side needs scrape_native_histograms; as
// text a histogram shows its count and sum.
type scraped struct {
	registry *prometheus.Registry
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
}

// scrapes at once; more are refused, so that scraping stays bounded.
const maxScrapes = 4

func serve(address string) (*scraped, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("prometheus address %q: %w", address, err)
	}
	s := &scraped{registry: prometheus.NewRegistry(), listener: listener}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, EnableOpenMetrics: true}))
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.server.Serve(listener) })
	return s, nil
}

// reader makes the source part of what is scraped. What identifies the source
// is on every series, because a scrape has one target and many arms; the
// names are those that Prometheus gives the same metrics over OTLP.
func (s *scraped) reader(src *source, form Histograms) (sdkmetric.Reader, error) {
	return otelprometheus.New(
		otelprometheus.WithRegisterer(s.registry),
		otelprometheus.WithProducer(pull{src, form}),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		otelprometheus.WithResourceAsConstantLabels(attribute.NewAllowKeysFilter("schload.arm", "schload.run.id", "schload.upgrade")),
		otelprometheus.WithoutTargetInfo(),
		otelprometheus.WithoutScopeInfo())
}

func (s *scraped) close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	s.serving.Wait()
	return err
}
