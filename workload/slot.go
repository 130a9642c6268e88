package workload

import (
	"strings"
	"time"
)

// SlotCount is the number of hash slots of a Redis database.
const SlotCount = 16384

// SlotOf returns the hash slot of a key, 0 to SlotCount-1, as the Redis Cluster
// specification has it: CRC16 of the hash tag, which is the text between the
// first { and the next }, or of all of the key where there is none.
func SlotOf(key string) int {
	if open := strings.IndexByte(key, '{'); open >= 0 {
		if length := strings.IndexByte(key[open+1:], '}'); length > 0 {
			key = key[open+1 : open+1+length]
		}
	}
	return int(crc16(0, key)) % SlotCount
}

// crc16 goes on with the checksum of what comes before text.
func crc16(crc uint16, text string) uint16 {
	for i := range len(text) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^text[i]]
	}
	return crc
}

// crcTable is that of the XMODEM variant: polynomial 0x1021, nothing
// reflected, from 0.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

// slotOf is SlotOf as Operation.Slot holds it.
func slotOf(key string) uint16 { return uint16(SlotOf(key) + 1) }

// slot returns Operation.Slot of a key of the set: looked up in advance where
// the key was made in advance, else computed from the number behind the head.
func (s *keyset) slot(of space, number uint64, key string) uint16 {
	if slots := s.slots[of]; slots != nil {
		return slots[number]
	}
	if head := s.heads[of]; strings.IndexByte(head, '{') < 0 {
		return crc16(s.checks[of], key[len(head):])%SlotCount + 1
	}
	return slotOf(key)
}

// slotsOf returns Operation.Slot of each of the keys.
func slotsOf(names []string) []uint16 {
	slots := make([]uint16, len(names))
	for i, name := range names {
		slots[i] = slotOf(name)
	}
	return slots
}

// SlotSink is a Sink that is also told which hash slots are asked and when. An
// operation asks its slot from its send to its end: before it is built nobody
// knows its key, and what is missed asks no slot. A worker calls Sent before
// and Answered after the Target's Do, with the same operations.
type SlotSink interface {
	Sink
	// Sent states that the operations are sent at the instant.
	Sent(at time.Duration, ops []Operation)
	// Answered states that they ended at the instant, ops[i] as outcomes[i].
	Answered(at time.Duration, ops []Operation, outcomes []Outcome)
}
