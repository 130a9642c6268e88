package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"schload/handoff/sim"
)

// databaseFlags describe one simulated database, as flags or as the SPEC of
// --database.
type databaseFlags struct {
	name         string
	port         int
	shards       []string
	shardCount   int
	unreplicated bool
	policy       string
	ossCluster   bool
	faults       []string
	tls, mtls    bool
	username     string
	password     string
}

func (d *databaseFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&d.name, "name", "", "host name of the endpoint (default: redis-PORT.schload.test)")
	flags.IntVar(&d.port, "port", 12000, "database port of every node; 0 picks a free one")
	flags.StringSliceVar(&d.shards, "shards", nil, "redis:// URLs of real Redis servers behind the proxies (default: in process)")
	flags.IntVar(&d.shardCount, "shard-count", 0, "primaries, spread over the nodes (default: 1, or one for each of --shards)")
	flags.BoolVar(&d.unreplicated, "unreplicated", false, "shards have no replica: nothing can fail over")
	flags.BoolVar(&d.ossCluster, "oss-cluster", false, "serve the OSS Cluster API: clients read the slot map and dial nodes")
	flags.StringVar(&d.policy, "policy", "", "whose proxies serve: single, all-master-shards or all-nodes (default: single, with --oss-cluster all-master-shards)")
	flags.StringSliceVar(&d.faults, "fault", nil, "by choice: "+strings.Join(sim.FaultNames(), ", ")+"; what they do is not known of real deployments")
	flags.BoolVar(&d.tls, "tls", false, "clients must use TLS")
	flags.BoolVar(&d.mtls, "mtls", false, "clients must use TLS and show a certificate")
	flags.StringVar(&d.username, "username", "", "user clients must give (default: default)")
	flags.StringVar(&d.password, "password", "", "password clients must give (default: none)")
}

// flagSet is the set of a SPEC, where the port is free by default.
func (d *databaseFlags) flagSet() *pflag.FlagSet {
	flags := pflag.NewFlagSet("database", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	d.register(flags)
	flags.Lookup("port").DefValue = "0"
	d.port = 0
	return flags
}

// databaseKeys lists what a SPEC may say.
func databaseKeys() string {
	var keys []string
	new(databaseFlags).flagSet().VisitAll(func(f *pflag.Flag) { keys = append(keys, f.Name) })
	return strings.Join(keys, ", ")
}

// parseDatabase reads name=orders,port=12001,tls. A key that is repeated adds
// to a list.
func parseDatabase(spec string) (databaseFlags, error) {
	var d databaseFlags
	flags := d.flagSet()
	for part := range strings.SplitSeq(spec, ",") {
		key, value, valued := strings.Cut(part, "=")
		f := flags.Lookup(key)
		switch {
		case f == nil:
			return d, fmt.Errorf("database %s: unknown key %.40q: want some of %s", d.redacted(spec), key, databaseKeys())
		case !valued && f.NoOptDefVal != "":
			value = f.NoOptDefVal
		case !valued:
			return d, fmt.Errorf("database %s: %s has no value: want %s=VALUE", d.redacted(spec), key, key)
		}
		if err := flags.Set(key, value); err != nil {
			return d, fmt.Errorf("database %s: %s %.40q: want a value of type %s", d.redacted(spec), key, value, f.Value.Type())
		}
	}
	return d, nil
}

// redacted is a SPEC without its password.
func (d *databaseFlags) redacted(spec string) string {
	var parts []string
	for part := range strings.SplitSeq(spec, ",") {
		if strings.HasPrefix(part, "password=") {
			part = "password=..."
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

func (d *databaseFlags) config() (sim.Config, error) {
	c := sim.Config{
		OSSCluster: d.ossCluster, Name: d.name, Port: d.port, Shards: d.shards, ShardCount: d.shardCount, Unreplicated: d.unreplicated,
		Policy: d.policy, Username: d.username, Password: d.password,
	}
	var err error
	if c.Faults, err = sim.ParseFaults(d.faults); err != nil {
		return c, err
	}
	switch {
	case d.tls && d.mtls:
		return c, fmt.Errorf("tls and mtls: want one of them, mtls includes tls")
	case d.tls:
		c.Security = sim.TLS
	case d.mtls:
		c.Security = sim.MutualTLS
	}
	return c, nil
}
