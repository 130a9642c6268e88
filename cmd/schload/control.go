package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
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
	restUser      string
	suite         string
	expose        bool
}

// passwordVariable holds the password of the REST interface, which must not
// be on a command line.
const passwordVariable = "SCHLOAD_REST_PASSWORD"

func (f *controlFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.faultInjector, "fault-injector", "", "loopback HOST:PORT of the fault injector's HTTP interface; port 0 picks a free one")
	flags.StringVar(&f.rest, "rest", "", "loopback HOST:PORT of the REST interface of Redis Software; port 0 picks a free one")
	flags.StringVar(&f.restUser, "rest-user", "", "user that REST requests must give, with the password in $"+passwordVariable+" (default: nobody)")
	flags.BoolVar(&f.expose, "expose", false, "let --fault-injector and --rest listen where other machines reach them, and whoever does can break the databases")
	flags.StringVar(&f.suite, "suite", "", "serve the test suite of a client as it needs it: "+strings.Join(control.Suites(), ", "))
}

// check loads the suite and refuses addresses that other machines can reach.
func (f *controlFlags) check() (control.Suite, error) {
	suite, err := control.LoadSuite(f.suite)
	if !f.expose {
		err = errors.Join(err, onLoopback("--fault-injector", f.faultInjector, "break the databases"), onLoopback("--rest", f.rest, "break the databases"))
	}
	if f.restUser != "" && os.Getenv(passwordVariable) == "" {
		err = errors.Join(err, fmt.Errorf("--rest-user %q has no password: set $%s", f.restUser, passwordVariable))
	}
	return suite, err
}

// onLoopback refuses an address at which other machines can do what it is for.
func onLoopback(flag, address, do string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q: want HOST:PORT such as 127.0.0.1:20324", flag, address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s %q: whoever reaches it can %s: want a loopback address such as 127.0.0.1:20324", flag, address, do)
	}
	return nil
}

// suit makes the flags what a suite needs where they were not given.
func (f *simFlags) suit(suite control.Suite) {
	if suite.ByName {
		f.advertise = "name"
	}
	f.entrance = f.advertise != "name" && (f.control.faultInjector != "" || suite.Name != "")
	f.set = slices.Concat(suite.Settings[f.upgrade], f.set)
}

// plane is the control plane of a cluster and its databases.
func (f *simFlags) plane(c *sim.Cluster, suite control.Suite) *control.Plane {
	plane := control.New(control.Config{Cluster: c, Suite: suite, Speed: f.speed, Seed: f.seed, ByName: f.advertise == "name"})
	for i, s := range c.Databases() {
		name := strings.TrimSuffix(s.Config().Name, ".schload.test")
		if i == 0 {
			name = "m-standard"
		}
		plane.Adopt(name, s)
	}
	return plane
}

// controlServers are the interfaces that are served.
type controlServers struct {
	plane        *control.Plane
	servers      []*http.Server
	faults, rest string // URLs; empty: not served
}

func (f *controlFlags) serve(ctx context.Context, plane *control.Plane) (*controlServers, error) {
	c := &controlServers{plane: plane}
	var err error
	if c.faults, err = c.listen(ctx, f.faultInjector, faultinjector.New(plane)); err == nil {
		c.rest, err = c.listen(ctx, f.rest, softwareapi.New(plane, softwareapi.Config{Username: f.restUser, Password: os.Getenv(passwordVariable)}))
	}
	if err != nil {
		c.close()
	}
	return c, err
}

// listen serves at an address and returns the URL.
func (c *controlServers) listen(ctx context.Context, address string, handler http.Handler) (string, error) {
	if address == "" {
		return "", nil
	}
	s, url, err := serveHTTP(ctx, address, handler)
	if err != nil {
		return "", err
	}
	c.servers = append(c.servers, s)
	return url, nil
}

// serveHTTP serves at an address until the server is closed.
func serveHTTP(ctx context.Context, address string, handler http.Handler) (s *http.Server, url string, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, "", err
	}
	s = &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10}
	go s.Serve(listener)
	return s, "http://" + listener.Addr().String(), nil
}

func (c *controlServers) close() {
	for _, s := range c.servers {
		s.Close()
	}
	c.plane.Close()
}

func (c *controlServers) announce(out io.Writer) {
	for _, why := range c.plane.Suite().Why {
		fmt.Fprintf(out, "suite     %s\n", why)
	}
	if c.faults != "" {
		fmt.Fprintf(out, "faults    %s\n", c.faults)
	}
	if c.rest != "" {
		fmt.Fprintf(out, "REST      %s\n", c.rest)
	}
}

// print writes shell variables under the names that the suites of clients
// read.
func (c *controlServers) print(out io.Writer) {
	if c.faults != "" {
		fmt.Fprintf(out, "export FAULT_INJECTION_API_URL=%s\nexport RE_FAULT_INJECTOR_URL=%[1]s\n", c.faults)
	}
	if c.rest != "" {
		fmt.Fprintf(out, "export SCHLOAD_SIM_REST=%s\n", c.rest)
	}
}
