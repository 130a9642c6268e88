// Package delivery accounts for messages: what was published, and what became
// of it at each receiver. It tells messages that were delivered from those
// that were acknowledged and lost, came twice, came out of order or belong to
// somebody else, and finds the gaps that losses make.
//
// The one invariant: once a book is settled, every message that was, or may
// have been, taken by the server has one verdict for each receiver that was to
// have it: delivered, lost, left or unknown. They add up.
//
// It is pure: callers bring instants and payloads, it does no I/O and reads no
// clock. Memory is bounded: of each channel the last messages are remembered,
// 4096 of them, and up to Config.Window while messages are missing. What is
// older has been decided; a delivery of it is counted as belated.
package delivery
