package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"schload/handoff/sim"
)

// simEnv is what another client needs to know of a running simulator. Its
// files are the endpoints in the form that the test suites of clients read, and
// certificates.
type simEnv struct {
	cluster   *sim.Cluster
	dir       string
	temporary bool
	byName    bool // endpoints.json names endpoints by name
	secure    bool // there are certificates
}

// environment writes the files that are needed.
func (f *simFlags) environment(c *sim.Cluster) (*simEnv, error) {
	e := &simEnv{cluster: c, dir: f.dir, byName: f.advertise == "name"}
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

// endpointEntry is one database in endpoints.json, in the form that the test
// suites of several clients share.
type endpointEntry struct {
	ID           int           `json:"bdb_id"`
	Username     string        `json:"username"`
	Password     string        `json:"password"`
	TLS          bool          `json:"tls"`
	Certificates string        `json:"certificatesLocation,omitempty"`
	OSSCluster   bool          `json:"oss_cluster"`
	RawEndpoints []rawEndpoint `json:"raw_endpoints"`
	Endpoints    []string      `json:"endpoints"`
}

type rawEndpoint struct {
	Addr        []string `json:"addr"`
	AddrType    string   `json:"addr_type"`
	DNSName     string   `json:"dns_name"`
	Port        int      `json:"port"`
	ProxyPolicy string   `json:"proxy_policy"`
	UID         string   `json:"uid"`
}

func (e *simEnv) writeEndpoints() error {
	entries := map[string]endpointEntry{}
	for i, s := range e.cluster.Databases() {
		name := strings.TrimSuffix(s.Config().Name, ".schload.test")
		entries[name] = e.entry(s)
		if i == 0 {
			entries["m-standard"] = entries[name] // what suites take when they are told nothing
		}
	}
	text, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(e.file("endpoints.json"), append(text, '\n'), 0o600)
}

func (e *simEnv) entry(s *sim.Simulator) endpointEntry {
	c := s.Config()
	entry := endpointEntry{ID: s.ID(), Username: c.Username, Password: c.Password, TLS: c.Security != sim.Plain, OSSCluster: c.OSSCluster}
	if entry.TLS {
		entry.Certificates = e.dir
	}
	raw := rawEndpoint{AddrType: "internal", DNSName: e.host(s), Port: c.Port, ProxyPolicy: c.Policy, UID: fmt.Sprintf("%d:1", s.ID())}
	for _, n := range s.Nodes() {
		if n.Serving {
			raw.Addr = append(raw.Addr, hostOf(n.Addr))
		}
	}
	entry.RawEndpoints = []rawEndpoint{raw}
	entry.Endpoints = []string{e.url(s)}
	return entry
}

// host names the endpoint: by its name, by an address of its own, or by that
// of the node that serves.
func (e *simEnv) host(s *sim.Simulator) string {
	switch {
	case e.byName:
		return s.Config().Name
	case s.Config().Entrance:
		return sim.EntranceHost
	}
	for _, n := range s.Nodes() {
		if n.Named {
			return hostOf(n.Addr)
		}
	}
	return s.Config().Name
}

func (e *simEnv) url(s *sim.Simulator) string {
	return scheme(s) + net.JoinHostPort(e.host(s), strconv.Itoa(s.Config().Port))
}

func scheme(s *sim.Simulator) string {
	if s.Config().Security != sim.Plain {
		return "rediss://"
	}
	return "redis://"
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
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
