package faultinjector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"schload/handoff/sim/control"
)

// printStatus is what rladmin status prints: tables that clients take apart
// with regular expressions.
func (in *Injector) printStatus() string {
	var b strings.Builder
	databases := in.plane.Databases()
	b.WriteString("CLUSTER NODES:\n" + columns(nodeRows(in.plane.Nodes())))
	b.WriteString("\nDATABASES:\n" + columns(databaseRows(databases)))
	b.WriteString("\nENDPOINTS:\n" + columns(endpointRows(databases)))
	b.WriteString("\nSHARDS:\n" + columns(shardRows(databases)))
	return b.String()
}

// version is that of the server whose behaviour was captured.
const version = "8.0.22"

func nodeRows(nodes []control.Node) [][]string {
	rows := [][]string{{"NODE:ID", "ROLE", "ADDRESS", "EXTERNAL_ADDRESS", "HOSTNAME", "SHARDS", "CORES", "FREE_RAM", "PROVISIONAL_RAM", "VERSION", "STATUS"}}
	for _, n := range nodes {
		name, role, status := fmt.Sprintf("node:%d", n.UID), "slave", "OK"
		if n.Master {
			name, role = "*"+name, "master"
		}
		if n.Maintenance {
			status = "OK, MAINTENANCE"
		}
		rows = append(rows, []string{
			name, role, n.Host, n.Host, fmt.Sprintf("node%d", n.UID), fmt.Sprintf("%d/100", len(n.Shards)), "2", "5.4GB/7.6GB", "4.6GB/6.2GB", version, status,
		})
	}
	return rows
}

func databaseRows(databases []control.Database) [][]string {
	rows := [][]string{{"DB:ID", "NAME", "TYPE", "MODULE", "STATUS", "SHARDS", "PLACEMENT", "REPLICATION", "PERSISTENCE", "ENDPOINT", "CRDB"}}
	for _, d := range databases {
		replication := "disabled"
		if d.Replication {
			replication = "enabled"
		}
		rows = append(rows, []string{
			fmt.Sprintf("db:%d", d.ID), d.Name, "redis", "no", "active", fmt.Sprint(d.ShardsCount), d.ShardsPlacement, replication, "disabled", d.Endpoint.Addr(), "no",
		})
	}
	return rows
}

func endpointRows(databases []control.Database) [][]string {
	rows := [][]string{{"DB:ID", "NAME", "ID", "NODE", "ROLE", "SSL"}}
	for _, d := range databases {
		ssl := "No"
		if d.TLS {
			ssl = "Yes"
		}
		for _, node := range d.Endpoint.Nodes {
			rows = append(rows, []string{
				fmt.Sprintf("db:%d", d.ID), d.Name, "endpoint:" + d.Endpoint.UID, fmt.Sprintf("node:%d", node), d.ProxyPolicy, ssl,
			})
		}
	}
	return rows
}

func shardRows(databases []control.Database) [][]string {
	rows := [][]string{{"DB:ID", "NAME", "ID", "NODE", "ROLE", "SLOTS", "USED_MEMORY", "STATUS"}}
	for _, d := range databases {
		shards := slices.Clone(d.Shards)
		slices.SortFunc(shards, func(a, b control.Shard) int { return cmp.Compare(a.UID, b.UID) })
		for _, s := range shards {
			rows = append(rows, []string{
				fmt.Sprintf("db:%d", d.ID), d.Name, fmt.Sprintf("redis:%d", s.UID), fmt.Sprintf("node:%d", s.Node), string(s.Role), s.Slots(), "2.46MB", "OK",
			})
		}
	}
	return rows
}

// columns aligns rows of cells.
func columns(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
