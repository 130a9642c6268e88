package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/handoff/sim/faultinjector"
)

// simEnv is what another client needs to know of a running simulator. Its
// files are the endpoints in the form that the test suites of clients read, and
// certificates.
type simEnv struct {
	cluster   *sim.Cluster
	plane     *control.Plane
	dir       string
	temporary bool
	secure    bool // there are certificates
}

// environment writes the files that are needed.
func (f *simFlags) environment(c *sim.Cluster, plane *control.Plane) (*simEnv, error) {
	e := &simEnv{cluster: c, plane: plane, dir: f.dir}
	e.secure = f.control.faultInjector != "" // databases to come may be encrypted
	for _, s := range c.Databases() {
		e.secure = e.secure || s.Config().Security != sim.Plain
	}
	if !e.secure && !f.printEnv {
		return e, nil
	}
	if err := e.makeDir(); err != nil {
		return nil, err
	}
	err := e.writeEndpoints()
	if e.secure {
		err = errors.Join(err, e.writeCertificates())
	}
	if err != nil {
		e.remove()
	}
	return e, err
}

func (e *simEnv) makeDir() (err error) {
	if e.dir == "" {
		e.temporary = true
		e.dir, err = os.MkdirTemp("", "schload-sim-")
		return err
	}
	e.dir, err = filepath.Abs(e.dir)
	return errors.Join(err, os.MkdirAll(e.dir, 0o755))
}

// remove removes what nobody asked to be kept.
func (e *simEnv) remove() {
	if e.temporary {
		os.RemoveAll(e.dir)
	}
}

func (e *simEnv) file(name string) string { return filepath.Join(e.dir, name) }

func (e *simEnv) writeCertificates() error {
	ca, err := e.cluster.CA()
	if err != nil {
		return err
	}
	cert, key, err := e.cluster.ClientCertificate("client")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(e.file("ca.pem"), ca, 0o644),
		os.WriteFile(e.file("client.pem"), cert, 0o644),
		os.WriteFile(e.file("client.key"), key, 0o600),
	)
}

// writeEndpoints writes endpoints.json. It holds passwords: only its owner may
// read it.
func (e *simEnv) writeEndpoints() error {
	entries := map[string]any{}
	for _, d := range e.plane.Databases() {
		entry := faultinjector.Describe(d)
		if d.TLS {
			entry["certificatesLocation"] = e.dir
		}
		entries[d.Name] = entry
	}
	text, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(e.file("endpoints.json"), append(text, '\n'), 0o600)
}

func scheme(s *sim.Simulator) string {
	if s.Config().Security != sim.Plain {
		return "rediss://"
	}
	return "redis://"
}

// announce says in a few lines where the simulator serves.
func (e *simEnv) announce(out io.Writer) {
	databases := e.cluster.Databases()
	for _, s := range databases {
		fmt.Fprintf(out, "database  %s%s\n", scheme(s), s.Addr())
	}
	fmt.Fprintf(out, "DNS       %s (udp and tcp)\n", e.cluster.DNS())
	for _, s := range databases {
		for _, n := range s.Nodes() {
			fmt.Fprintf(out, "node      %s\n", n.Addr)
		}
		if note := s.Fallback(); note != "" {
			fmt.Fprintf(out, "note      %s\n", note)
		}
	}
	if e.secure {
		fmt.Fprintf(out, "CA        %s\nclient    %s %s\n", e.file("ca.pem"), e.file("client.pem"), e.file("client.key"))
	}
}

// print writes shell variables. Passwords are in the file that one of them
// names, which only its owner can read.
func (e *simEnv) print(out io.Writer) {
	set := func(name, value string) { fmt.Fprintf(out, "export %s=%s\n", name, value) }
	var urls, nodes []string
	for _, s := range e.cluster.Databases() {
		urls = append(urls, scheme(s)+s.Addr())
		for _, n := range s.Nodes() {
			nodes = append(nodes, n.Addr)
		}
	}
	set("SCHLOAD_SIM_DATABASES", strings.Join(urls, ","))
	set("SCHLOAD_SIM_NODES", strings.Join(nodes, ","))
	set("SCHLOAD_SIM_DNS", e.cluster.DNS())
	set("REDIS_ENDPOINTS_CONFIG_PATH", e.file("endpoints.json"))
	if e.secure {
		set("SCHLOAD_SIM_CA_FILE", e.file("ca.pem"))
		set("SCHLOAD_SIM_CLIENT_CERT_FILE", e.file("client.pem"))
		set("SCHLOAD_SIM_CLIENT_KEY_FILE", e.file("client.key"))
	}
}
