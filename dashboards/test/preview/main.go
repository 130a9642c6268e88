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
	"os/signal"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := preview(ctx, *schload, *out, strings.Split(*upgrades, ","))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

// margin is added to the end of a run: what it exports is dated by the monotonic
// clock, which may be ahead of the wall clock where that is being set.
const margin = 3 * time.Second

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
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var runs []span
	for i, upgrade := range upgrades {
		from := time.Now()
		run := exec.CommandContext(ctx, schload, "run", "--upgrade", upgrade, "--out", filepath.Join(folder, fmt.Sprint(i)),
			"--otlp-endpoint", "http://"+listener.Addr().String()+"/api/v1/otlp")
		run.Stderr = os.Stderr
		table, err := run.Output()
		if err != nil {
			return fmt.Errorf("upgrade %s: %w", upgrade, err)
		}
		// What schload itself says of the run, to hold the pictures against.
		if err := os.WriteFile(filepath.Join(out, upgrade+".txt"), table, 0o644); err != nil {
			return err
		}
		runs = append(runs, span{from, time.Now().Add(margin)})
	}
	return pictures(ctx, e, out, upgrades[0], runs)
}

// pictures draws the first run on the board of handoffs, and all of them on the
// others.
func pictures(ctx context.Context, e *engine.Engine, out, upgrade string, runs []span) error {
	whole := span{runs[0].from, runs[len(runs)-1].to}
	var failed []error
	for file, board := range dashboards.Boards() {
		shown, choose := whole, map[string]string{}
		if file == "handoffs.json" {
			shown, choose["upgrade"] = runs[0], upgrade
		}
		v, err := view.Open(ctx, e, board, shown.from, shown.to.Truncate(time.Second), choose)
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
