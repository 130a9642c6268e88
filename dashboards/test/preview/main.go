// Command preview makes the pictures of the boards: it asks their queries of a
// Prometheus and draws the answers as SVG. No Grafana is involved.
//
// Without -prometheus it plays upgrades with schload and takes the metrics into
// a Prometheus of its own, in this process:
//
//	go run ./preview -schload ../../bin/schload -out ../../build/preview
//
// With it, it draws the runs that are named, of which that one has the metrics:
//
//	go run ./preview -prometheus http://127.0.0.1:9090 -run endpoint-rebind=2026-11-26T03:00:00Z/2026-11-26T03:00:42Z
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/draw"
	"schload/dashboards/test/remote"
	"schload/dashboards/test/view"
)

// run is one upgrade, and when its run took place.
type run struct {
	upgrade  string
	from, to time.Time
}

// parse reads UPGRADE=FROM/TO.
func parse(text string) (r run, err error) {
	upgrade, span, found := strings.Cut(text, "=")
	from, to, both := strings.Cut(span, "/")
	if !found || !both || upgrade == "" {
		return r, errors.New("want UPGRADE=FROM/TO, two instants such as 2026-11-26T03:00:00Z")
	}
	r.upgrade = upgrade
	r.from, err = time.Parse(time.RFC3339Nano, from)
	if err != nil {
		return r, err
	}
	r.to, err = time.Parse(time.RFC3339Nano, to)
	if err == nil && !r.to.After(r.from) {
		err = fmt.Errorf("%s is not after %s", to, from)
	}
	return r, err
}

func main() {
	schload := flag.String("schload", "../../bin/schload", "the program that plays the upgrades")
	out := flag.String("out", "../../build/preview", "folder for the pictures")
	upgrades := flag.String("upgrades", "endpoint-rebind,failover,in-place", "the upgrades to play, one after another")
	prometheus := flag.String("prometheus", "", "URL of a Prometheus that has the runs named by -run")
	var runs []run
	flag.Func("run", "UPGRADE=FROM/TO, a run to draw, with -prometheus; may be repeated, the first is on the board of handoffs", func(text string) error {
		r, err := parse(text)
		runs = append(runs, r)
		return err
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := preview(ctx, *schload, *out, strings.Split(*upgrades, ","), *prometheus, runs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

func preview(ctx context.Context, schload, out string, upgrades []string, prometheus string, runs []run) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if prometheus == "" {
		return played(ctx, schload, out, upgrades)
	}
	if len(runs) == 0 {
		return errors.New("-prometheus without -run: say which runs to draw")
	}
	source, err := remote.Open(prometheus)
	if err != nil {
		return err
	}
	return pictures(ctx, source, out, "its metrics from a Prometheus server", runs)
}

// pictures draws the first run on the board of handoffs, the last one on the
// explorer, with the one that it is compared with, and all of them on the matrix.
func pictures(ctx context.Context, source view.Source, out, origin string, runs []run) error {
	var failed []error
	for file, board := range dashboards.Boards() {
		from, to, choose := runs[0].from, runs[len(runs)-1].to, map[string]string{}
		if file == "handoffs.json" {
			to, choose["upgrade"] = runs[0].to, runs[0].upgrade
		}
		v, err := view.Open(ctx, source, board, from, to.Truncate(time.Second), choose)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if file == "explorer.json" { // both are known now; only the run's own time is shown
			choose["run"], choose["compare"] = v.Values("run")[0], v.Values("compare")[0]
			if v, err = view.Open(ctx, source, board, runs[len(runs)-1].from, to.Truncate(time.Second), choose); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		picture, err := os.Create(filepath.Join(out, strings.TrimSuffix(file, ".json")+".svg"))
		if err != nil {
			return err
		}
		failed = append(failed, draw.Board(ctx, picture, v, origin), picture.Close())
	}
	return errors.Join(failed...)
}
