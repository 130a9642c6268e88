package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"schload/internal/probe"
)

type healthFlags struct {
	http     []string
	redis    []string
	resolver string
	runs     string
	within   time.Duration
	wait     time.Duration
}

// healthEvery is the pause between two looks, and lookIn how long one may take.
const (
	healthEvery = 200 * time.Millisecond
	lookIn      = 2 * time.Second
)

func newHealth() *cobra.Command {
	var f healthFlags
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Look once whether something works: the healthcheck of containers that have no shell",
		Long: "Look once whether something works, and say what is wrong with exit code 1. It is the healthcheck of containers\n" +
			"without a shell; with --wait it waits until all is well.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed("within")); err != nil {
				return usageError(err)
			}
			return f.look(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.http, "http", nil, "URL that must answer with 200 to 299; may be repeated")
	flags.StringArrayVar(&f.redis, "redis", nil, "HOST:PORT that must reply to PING; may be repeated")
	flags.StringVar(&f.resolver, "resolver", "", "HOST:PORT of the name server that is asked for the hosts of --redis (default: the system's)")
	flags.StringVar(&f.runs, "runs", "", "directory of bundles: a run must be going on")
	flags.DurationVar(&f.within, "within", 30*time.Second, "with --runs, how long ago the last interval may have been recorded")
	flags.DurationVar(&f.wait, "wait", 0, "how long to wait until all is well (default: not at all)")
	return cmd
}

func (f *healthFlags) check(within bool) error {
	var errs []error
	if len(f.http)+len(f.redis) == 0 && f.runs == "" {
		errs = append(errs, errors.New("nothing to look at: give --http, --redis or --runs"))
	}
	for _, address := range f.http {
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, errors.New("--http: want a URL such as http://127.0.0.1:13133/"))
		}
	}
	for _, address := range f.redis {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("--redis %q: want HOST:PORT such as 127.0.0.1:6379", address))
		}
	}
	if within && f.runs == "" {
		errs = append(errs, errors.New("--within without --runs: there is no age to look at; leave it out"))
	}
	if f.within <= 0 || f.wait < 0 {
		errs = append(errs, fmt.Errorf("--within %v, --wait %v: want a time that is not negative, and more than 0 for --within", f.within, f.wait))
	}
	return errors.Join(errs...)
}

// look looks once, or until all is well.
func (f *healthFlags) look(ctx context.Context) error {
	for until := time.Now().Add(f.wait); ; {
		err := f.all(ctx)
		if err == nil || !time.Now().Before(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(healthEvery):
		}
	}
}

func (f *healthFlags) all(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookIn)
	defer cancel()
	resolver, err := nameServer(ctx, f.resolver)
	if err != nil {
		return err
	}
	var errs []error
	for _, address := range f.http {
		errs = append(errs, probe.HTTP(ctx, address))
	}
	for _, address := range f.redis {
		errs = append(errs, probe.Redis(ctx, address, resolver))
	}
	if f.runs != "" {
		errs = append(errs, probe.Runs(f.runs, f.within))
	}
	return errors.Join(errs...)
}
