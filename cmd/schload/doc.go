// Command schload tells, with evidence, what Redis Smart Client Handoffs (SCH)
// do for an application during an upgrade: it loads Redis through the go-redis
// client with handoffs on and off side by side while an upgrade is played, and
// compares what each arm felt.
//
//	schload run [PROFILE]      load, play an upgrade, compare; leaves a bundle
//	schload compare BUNDLE...  the same table from files alone
//	schload calibrate          a test of the instrument on this machine, with a certificate
//	schload sim                the maintenance simulator for other clients
//	schload upgrades [NAME]    the catalog of upgrades, explained
//	schload profiles [NAME]    the run profiles
//	schload version            versions of the tool and the client under test
//
// Exit codes: 0 ok, 1 failed, 2 usage or bad input, 3 gate not met, 4 run
// invalid (with --fail-on-saturated also: the harness was the bottleneck), 130 interrupted (the bundle holds everything up to then).
//
// The commands are wiring only: flags to a package's function to output.
package main
