package handoff_test

import (
	"context"
	"fmt"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/internal/memnet"
	"schload/workload"
)

// An arm is opened, proved and used. The simulated database stands for a real
// one; without Dial the client connects over TCP.
func ExampleOpen() {
	ctx := context.Background()
	network := memnet.New()
	database, err := sim.Start(ctx, sim.Config{Port: 12000, Listen: network.Listen})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer database.Close()
	network.Lookup = database.LookupHost

	arm, _ := handoff.ParseArm("on+read_timeout=300ms")
	target, _ := handoff.ParseTarget("redis://" + database.Addr())
	client, err := handoff.Open(ctx, handoff.Config{Arm: arm, Target: target, Workers: 4, Dial: network.Dial})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	outcomes := make([]workload.Outcome, 1)
	client.Do(ctx, []workload.Operation{{Command: "SET", Key: "k", Value: []byte("k|v")}}, outcomes)
	proof := client.Proof()
	fmt.Println(outcomes[0].Class, proof.Effective, proof.Valid, proof.EndpointType)
	// Output: ok on true map[external-ip:1]
}
