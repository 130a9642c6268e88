// Command preview makes the pictures of the boards: it plays upgrades with
// schload, takes the metrics into a Prometheus of its own, asks the queries of
// the boards and draws the answers as SVG. No Grafana is involved.
//
//	go run ./preview -schload ../../bin/schload -out ../../build/preview
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/draw"
	"schload/dashboards/test/engine"
	"schload/dashboards/test/view"
)

func main() {
	schload := flag.String("schload", "../../bin/schload", "the program that plays the upgrades")
	out := flag.String("out", "../../build/preview", "folder for the pictures")
	upgrades := flag.String("upgrades", "endpoint-rebind,failover,in-place", "the upgrades to play, one after another")
	flag.Parse()
	if err := preview(context.Background(), *schload, *out, strings.Split(*upgrades, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

// span is when a run took place.
type span struct{ from, to time.Time }

func preview(ctx context.Context, schload, out string, upgrades []string) error {
	folder, err := os.MkdirTemp("", "preview")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	e, err := engine.Open("../prometheus/prometheus.yml", filepath.Join(folder, "data"))
	if err != nil {
		return err
	}
	defer e.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	receiver := &http.Server{Handler: e.Receiver, ReadHeaderTimeout: time.Minute}
	go func() { _ = receiver.Serve(listener) }()
	defer receiver.Close()
	var runs []span
	for i, upgrade := range upgrades {
		from := time.Now()
		run := exec.CommandContext(ctx, schload, "run", "--upgrade", upgrade, "--out", filepath.Join(folder, fmt.Sprint(i)),
			"--otlp-endpoint", "http://"+listener.Addr().String()+"/api/v1/otlp")
		run.Stderr = os.Stderr
		if err := run.Run(); err != nil {
			return fmt.Errorf("upgrade %s: %w", upgrade, err)
		}
		runs = append(runs, span{from, time.Now()})
	}
	return pictures(ctx, e, out, runs)
}

// pictures draws the first run on the board of handoffs, and all of them on the
// others.
func pictures(ctx context.Context, e *engine.Engine, out string, runs []span) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	whole := span{runs[0].from, runs[len(runs)-1].to}
	var failed []error
	for file, board := range dashboards.Boards() {
		shown := whole
		if file == "handoffs.json" {
			shown = runs[0]
		}
		v, err := view.Open(ctx, e, board, shown.from, shown.to.Truncate(time.Second), nil)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		picture, err := os.Create(filepath.Join(out, strings.TrimSuffix(file, ".json")+".svg"))
		if err != nil {
			return err
		}
		failed = append(failed, draw.Board(ctx, picture, v), picture.Close())
	}
	return errors.Join(failed...)
}
