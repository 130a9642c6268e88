package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/handoff/sim/faultinjector"
	"schload/handoff/sim/softwareapi"
)

// controlFlags are the interfaces through which other programs drive the
// simulator.
type controlFlags struct {
	faultInjector string
	rest          string
	suite         string
}

func (f *controlFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.faultInjector, "fault-injector", "", "loopback HOST:PORT for the fault injector's HTTP interface")
	flags.StringVar(&f.rest, "rest", "", "loopback HOST:PORT for the REST interface of Redis Software")
	flags.StringVar(&f.suite, "suite", "", "serve a client's own test suite as it needs it: "+strings.Join(control.Suites(), ", "))
}

// check loads the suite and refuses addresses that other machines can reach.
func (f controlFlags) check() (control.Suite, error) {
	return controlSuite(f.suite, onLoopback("--fault-injector", f.faultInjector), onLoopback("--rest", f.rest))
}

func controlSuite(name string, errs ...error) (control.Suite, error) {
	suite, err := control.LoadSuite(name)
	return suite, errors.Join(append(errs, err)...)
}

func onLoopback(flag, address string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q: want HOST:PORT such as 127.0.0.1:20324", flag, address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s %q: whoever reaches it can break the database: want a loopback address such as 127.0.0.1:20324", flag, address)
	}
	return nil
}

// serve serves what was asked for until the returned function is called.
func (f controlFlags) serve(ctx context.Context, out io.Writer, plane *control.Plane) (stop func(), err error) {
	var servers []*http.Server
	stop = func() {
		for _, s := range servers {
			s.Close()
		}
		plane.Close()
	}
	for _, i := range []struct {
		title, address string
		handler        http.Handler
	}{
		{"faults    ", f.faultInjector, faultinjector.New(plane)},
		{"REST      ", f.rest, softwareapi.New(plane, softwareapi.Config{})},
	} {
		if i.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", i.address)
		if err != nil {
			stop()
			return nil, err
		}
		s := &http.Server{Handler: i.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10}
		servers = append(servers, s)
		go s.Serve(listener)
		fmt.Fprintf(out, "%shttp://%s\n", i.title, listener.Addr())
	}
	return stop, nil
}

// controlled makes a control plane of the cluster of a database.
func controlled(s *sim.Simulator, suite control.Suite, speed float64, seed uint64) *control.Plane {
	plane := control.New(control.Config{Cluster: s.Cluster(), Suite: suite, Speed: speed, Seed: seed})
	plane.Adopt("m-standard", s)
	return plane
}
