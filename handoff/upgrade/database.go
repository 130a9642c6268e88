package upgrade

import (
	"slices"

	"schload/handoff/notice"
)

// Database is what an upgrade is played on, which decides what its clients are
// told: a database never mixes the two families of notices.
type Database string

// The databases.
const (
	Endpoint   Database = "endpoint"    // one name leads to a proxy, or to several: MOVING, MIGRATING, FAILING_OVER and what ends them
	OSSCluster Database = "oss-cluster" // clients read the slot map and dial nodes (OSS Cluster API): SMIGRATING, SMIGRATED
)

var databases = []Database{Endpoint, OSSCluster}

// Upgrades returns the names of the catalog's upgrades for the database, in
// alphabetical order.
func (d Database) Upgrades() []string {
	return slices.DeleteFunc(Names(), func(name string) bool {
		u, err := Load(name)
		return err != nil || u.Database != d
	})
}

// roles are those that steps for the database may name.
func (d Database) roles() []Role {
	if d == OSSCluster {
		return []Role{Old, New, Peer}
	}
	return []Role{Old, New, Next}
}

// knows reports whether an act makes sense for the database.
func (d Database) knows(a Act) bool {
	switch a {
	case Bind, DNS, Join, Leave:
		return d != OSSCluster
	case Move:
		return d == OSSCluster
	}
	return true
}

// sends reports whether a notice belongs to the database's family.
func (d Database) sends(kind notice.Kind) bool { return ofSlots(kind) == (d == OSSCluster) }

func ofSlots(kind notice.Kind) bool { return kind == notice.SMigrating || kind == notice.SMigrated }

// announces reports whether a notice says how long the window is that it opens.
func announces(kind notice.Kind) bool { return kind.Opens() && kind != notice.SMigrating }
