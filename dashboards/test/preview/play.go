package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"schload/dashboards/test/engine"
)

// margin is added to the end of a run: what it exports is dated by the monotonic
// clock, which may be ahead of the wall clock where that is being set.
const margin = 3 * time.Second

// played plays the upgrades and draws them.
func played(ctx context.Context, schload, out string, upgrades []string) error {
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
	var runs []run
	for i, upgrade := range upgrades {
		from := time.Now()
		command := exec.CommandContext(ctx, schload, "run", "--upgrade", upgrade, "--out", filepath.Join(folder, fmt.Sprint(i)),
			"--otlp-endpoint", "http://"+listener.Addr().String()+"/api/v1/otlp")
		command.Stderr = os.Stderr
		table, err := command.Output()
		if err != nil {
			return fmt.Errorf("upgrade %s: %w", upgrade, err)
		}
		// What schload itself says of the run, to hold the pictures against.
		if err := os.WriteFile(filepath.Join(out, upgrade+".txt"), table, 0o644); err != nil {
			return err
		}
		runs = append(runs, run{upgrade, from, time.Now().Add(margin)})
	}
	return pictures(ctx, e, out, "its metrics in a Prometheus engine", runs)
}
