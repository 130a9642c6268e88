// Package calibrate tests the instrument on the machine it runs on: it gives
// the engine, the recorder, the bundle, the comparison and the ledger what is
// known beforehand (a stall, distributions, lost writes, two equal arms) and
// holds what they find against it. The result is a Certificate.
//
//	known truth -> the real parts, from the engine to the summary -> found == known?
//
// The one invariant: every check can fail. Each has a test that breaks the
// part it looks at (spoil) and wants FAIL.
//
// A machine that is too busy to be measured is told from an instrument that is
// broken: what only the machine explains is Noisy, and a witness that shares
// nothing with the engine (witness.go) says how late the machine wakes anyone.
//
// It takes about a minute, in memory and on loopback. It refuses to repeat a
// check until it passes.
package calibrate
