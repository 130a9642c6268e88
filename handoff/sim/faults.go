package sim

import (
	"errors"
	"fmt"
	"strings"
)

// Faults are what real deployments are not known to do to clients, and a
// client may have to live with all the same. All are off by default; what they
// do is an assumption of ours.
type Faults struct {
	// Ask answers -ASK for about half of the keys, by hash, whose slots were
	// announced and have not moved: they are taken to be at the destination
	// already, which serves them only after ASKING. Commands with keys of either
	// half get -TRYAGAIN. For databases with the OSS Cluster API.
	Ask bool

	// ClusterDown refuses commands for slots that are to move with -CLUSTERDOWN
	// while their shard is stalled, instead of making them wait. For databases
	// with the OSS Cluster API.
	ClusterDown bool

	// ReadOnly refuses writes with -READONLY while their shard is stalled, as a
	// demoted primary would, instead of making them wait.
	ReadOnly bool
}

// FaultNames are the names ParseFaults knows.
func FaultNames() []string { return []string{"ask", "cluster-down", "read-only"} }

// ParseFaults reads the names of faults.
func ParseFaults(names []string) (Faults, error) {
	var f Faults
	for _, name := range names {
		switch name {
		case "ask":
			f.Ask = true
		case "cluster-down":
			f.ClusterDown = true
		case "read-only":
			f.ReadOnly = true
		default:
			return f, fmt.Errorf("unknown fault %.40q: want some of %s", name, strings.Join(FaultNames(), ", "))
		}
	}
	return f, nil
}

func (f Faults) validate(c Config) error {
	if (f.Ask || f.ClusterDown) && !c.OSSCluster {
		return errors.New("faults: ASK and CLUSTERDOWN are answers of the OSS Cluster API: make it such a database, or leave them out")
	}
	return nil
}

// reads are the commands with keys that a read-only replica would run.
var reads = func() map[string]bool {
	table := map[string]bool{}
	for name := range strings.FieldsSeq("GET MGET EXISTS TTL PTTL EXPIRETIME PEXPIRETIME TYPE STRLEN GETRANGE SUBSTR GETBIT BITCOUNT BITPOS BITFIELD_RO " +
		"HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HRANDFIELD HSCAN LRANGE LINDEX LLEN LPOS LCS SMEMBERS SISMEMBER SMISMEMBER SCARD " +
		"SRANDMEMBER SSCAN SDIFF SINTER SINTERCARD SUNION ZRANGE ZRANGEBYSCORE ZRANGEBYLEX ZREVRANGE ZREVRANGEBYSCORE ZREVRANGEBYLEX ZSCORE ZMSCORE " +
		"ZCARD ZCOUNT ZLEXCOUNT ZRANK ZREVRANK ZRANDMEMBER ZSCAN ZUNION ZINTER ZINTERCARD ZDIFF XRANGE XREVRANGE XLEN XREAD XINFO XPENDING " +
		"GEOPOS GEODIST GEOHASH GEOSEARCH PFCOUNT OBJECT MEMORY DUMP TOUCH WATCH EVAL_RO EVALSHA_RO FCALL_RO SORT_RO") {
		table[name] = true
	}
	return table
}()

// writes reports whether a command with keys changes them.
func writes(name []byte) bool { return !reads[strings.ToUpper(string(name))] }
