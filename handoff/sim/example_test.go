package sim_test

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"schload/handoff/notice"
	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/memnet"
	"schload/telemetry/mark"
)

// A database in memory, a client that asks to be told, and an upgrade that
// tells it. The client's replies and the notice share one connection.
func Example() {
	network := memnet.New()
	db, err := sim.Start(context.Background(), sim.Config{
		Port:   12000,
		Listen: network.Listen,
		Marks:  func(m mark.Mark) { fmt.Printf("%s: %s\n", m.Name, m.Detail) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()

	network.Lookup = db.LookupHost
	client, err := network.Dial(context.Background(), "tcp", db.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	client.Write([]byte("HELLO 3\r\nCLIENT MAINT_NOTIFICATIONS ON\r\n"))
	replies := bufio.NewReader(client)
	for line := ""; line != "+OK\r\n" && err == nil; {
		line, err = replies.ReadString('\n')
	}

	err = db.Play(context.Background(), upgrade.Plan{Actions: []upgrade.Action{
		{Act: upgrade.Notify, Notice: notice.Migrating, Seconds: 2, Shards: []string{"1"}},
		{Act: upgrade.Stall, For: 10 * time.Millisecond, Detail: "commands wait"},
		{At: 10 * time.Millisecond, Act: upgrade.Notify, Notice: notice.Migrated, Shards: []string{"1"}},
	}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// MIGRATING: pushed to 1 of 1 connections
	// stall: commands wait
	// MIGRATED: pushed to 1 of 1 connections
}
