package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	primaries = 3
	members   = 2 * primaries // a replica each
)

// realCluster is a Redis Cluster of servers on loopback ports: the first three
// own the slots, each of the others is the replica of one of them.
type realCluster struct {
	ts    *testscript.TestScript
	ports [members]string
	cli   []string // further arguments of redis-cli
}

// cmdCluster starts a real Redis Cluster for the rest of the script and puts
// the port of a primary and that of its replica into environment variables:
// cluster PRIMARY REPLICA. With a further argument, tls, it speaks nothing else,
// and knows a user app with password geheim who may do what an application does;
// the certificates are in the script's directory.
func cmdCluster(ts *testscript.TestScript, neg bool, args []string) {
	c := &realCluster{ts: ts}
	var secure []string
	if len(args) > 2 {
		files := writeCertificates(ts, ts.Getenv("WORK"))
		secure = append([]string{"--tls-cluster", "yes", "--tls-replication", "yes"}, secured(files)...)
		c.cli = []string{"--tls", "--cacert", files.ca, "--cert", files.cert, "--key", files.key}
	}
	var buses [members]string
	for i := range c.ports {
		c.ports[i], buses[i] = freePort(ts), freePort(ts)
		dir := fmt.Sprintf("%s/node%d", ts.Getenv("WORK"), i)
		ts.Check(os.Mkdir(dir, 0o700))
		settings := []string{"--cluster-enabled", "yes", "--cluster-port", buses[i], "--cluster-node-timeout", "5000"}
		if len(secure) > 0 {
			settings = append(append(settings, "--port", "0", "--tls-port", c.ports[i]), secure...)
		}
		startRedis(ts, dir, c.ports[i], settings...)
	}
	for i := range c.ports { // all of them each other: gossip would take seconds
		for j := range i {
			c.ask(i, "cluster", "meet", "127.0.0.1", c.ports[j], buses[j])
		}
	}
	for i := range primaries {
		const slots = 16384
		c.ask(i, "cluster", "addslotsrange", fmt.Sprint(i*slots/primaries), fmt.Sprint((i+1)*slots/primaries-1))
	}
	c.wait("cluster_known_nodes:6", "cluster", "info")
	for i := range primaries {
		c.ask(primaries+i, "cluster", "replicate", c.ask(i, "cluster", "myid"))
	}
	c.wait("cluster_state:ok", "cluster", "info")
	for i := range primaries {
		c.waitFor(primaries+i, "master_link_status:up", "info", "replication")
	}
	ts.Setenv(args[0], c.ports[0])
	ts.Setenv(args[1], c.ports[primaries])
}

// secured are the settings of a server with certificates that knows a user app
// with password geheim, who may do what an application does.
func secured(files certificates) []string {
	return []string{"--tls-ca-cert-file", files.ca, "--tls-cert-file", files.cert, "--tls-key-file", files.key,
		"--user", "app", "on", ">geheim", "~schload:*", "&*", "+@all", "-@dangerous", "-@admin", "+cluster|slots", "+cluster|shards"}
}

// ask sends a command to one node and returns the reply.
func (c *realCluster) ask(node int, command ...string) string {
	out, err := exec.Command("redis-cli", slices.Concat([]string{"-p", c.ports[node]}, c.cli, command)...).CombinedOutput()
	reply := strings.TrimSpace(string(out))
	if err != nil || strings.HasPrefix(reply, "ERR") {
		c.ts.Fatalf("node %d: %s: %s (%v)", node, strings.Join(command, " "), reply, err)
	}
	return reply
}

// wait waits until every node's reply to a command has a text.
func (c *realCluster) wait(text string, command ...string) {
	for node := range c.ports {
		c.waitFor(node, text, command...)
	}
}

func (c *realCluster) waitFor(node int, text string, command ...string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if strings.Contains(c.ask(node, command...), text) {
			return
		}
	}
	c.ts.Fatalf("node %d never said %s: %s", node, text, c.ask(node, command...))
}
