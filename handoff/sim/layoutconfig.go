package sim

import (
	"cmp"
	"fmt"
)

// ossShards is how many primaries a database with the OSS Cluster API has by
// default, and ossNodes how many nodes there are at least: one without slots.
const (
	ossShards = 3
	ossNodes  = 4
)

// withLayout writes out what decides which node serves what.
func (c Config) withLayout() Config {
	shards, nodes, policy := 1, defaultNodes, SingleProxy
	if c.OSSCluster {
		shards, policy = ossShards, AllMasterShards
	}
	c.ShardCount = cmp.Or(c.ShardCount, len(c.Shards), shards)
	if c.OSSCluster {
		nodes = min(max(ossNodes, c.ShardCount+1), mostNodes)
	}
	c.Nodes = cmp.Or(c.Nodes, nodes)
	c.Policy = cmp.Or(c.Policy, policy)
	return c
}

// validateLayout refuses what clients of the OSS Cluster API could not use.
func (c Config) validateLayout() error {
	if c.OSSCluster && c.Policy != "" && c.Policy != AllMasterShards {
		return fmt.Errorf("proxy policy %q: a database with the OSS Cluster API is served by the proxies of its primaries: want %s", c.Policy, AllMasterShards)
	}
	return nil
}

// home are the nodes that serve the database by the proxy policy.
func (c Config) home() []int {
	n := 1
	switch {
	case c.OSSCluster:
		n = servingNodes(c.Nodes, c.ShardCount)
	case c.Policy == AllNodes:
		n = c.Nodes
	case c.Policy == AllMasterShards:
		n = min(c.ShardCount, c.Nodes)
	}
	nodes := make([]int, n)
	for i := range nodes {
		nodes[i] = i
	}
	return nodes
}

// servingNodes is how many nodes of an OSS Cluster have slots at rest: one is
// left without, where there are several.
func servingNodes(nodes, shards int) int { return min(shards, max(1, nodes-1)) }

// guarded reports whether commands are held against the slot map before they
// run. Others go by the shard that has their data, or there is only one.
func (c Config) guarded() bool {
	return c.OSSCluster || c.Faults.ReadOnly || c.ShardCount > 1 && c.ShardCount != len(c.Shards)
}

// gateCount is how many shards plans may hold back, one by one.
func (c Config) gateCount() int {
	if c.OSSCluster {
		return mostShards + mostNodes // a node that gains slots may gain a shard
	}
	return c.ShardCount
}
