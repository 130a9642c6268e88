package telemetry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"schload/telemetry"
	"schload/telemetry/record"
)

func Example() {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/metrics" {
			fmt.Println("unexpected path", r.URL.Path)
		}
	}))
	defer collector.Close()

	ctx := context.Background()
	arms := []record.Arm{{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}}}}
	exporter, err := telemetry.Start(ctx, telemetry.Config{
		Endpoint: collector.URL, Interval: time.Minute, RunID: "run-1", Upgrade: "failover", Arms: []string{"on"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	exporter.Prepare(ctx, arms) // before load: every series at zero

	recorder := record.New(record.Config{Arms: arms})
	recorder.Sink("on", "main").Due(0, 1)
	exporter.Interval(recorder.Collect(time.Second)) // each second

	if err := exporter.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%d exports sent: the arm's and the run's own, before and after\n", exporter.Stats().Sent)
	// Output:
	// 4 exports sent: the arm's and the run's own, before and after
}
