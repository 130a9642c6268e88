package sim

import (
	"bytes"
	"strconv"
	"strings"
)

// slots is the number of hash slots of a sharded database.
const slots = 16384

// slotOf is the hash slot of a key: CRC16 of its hash tag, the text between
// the first { and the next }, or of all of it when there is none.
func slotOf(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if length := bytes.IndexByte(key[open+1:], '}'); length > 0 {
			key = key[open+1 : open+1+length]
		}
	}
	return int(crc16(key)) % slots
}

// crc16 is the XMODEM variant: polynomial 0x1021, nothing reflected, from 0.
func crc16(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^b]
	}
	return crc
}

var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()

// shardOf is the shard that holds a slot: shards have equal ranges.
func shardOf(slot, shards int) int { return slot * shards / slots }

// each calls f with every key among the arguments until f returns false. What
// is no well-formed command has no keys: its shard says what is wrong with it.
func (k keys) each(args [][]byte, f func(key []byte) bool) {
	if k.at == stored && len(args) > 1 && !f(args[1]) {
		return
	}
	first, last, step := k.span(args)
	for i := first; i >= 1 && i <= last && i < len(args); i += step {
		if !f(args[i]) {
			return
		}
	}
}

// span is the range of arguments that are keys.
func (k keys) span(args [][]byte) (first, last, step int) {
	switch k.at {
	case none:
		return 1, 0, 1
	case counted, stored:
		if int(k.first) >= len(args) {
			return 1, 0, 1
		}
		n, err := strconv.Atoi(string(args[k.first]))
		if err != nil || n < 0 || n > len(args) {
			return 1, 0, 1
		}
		return int(k.first) + 1, int(k.first) + n, 1
	case streams:
		for i, arg := range args {
			if strings.EqualFold(string(arg), "streams") {
				return i + 1, i + (len(args)-i-1)/2, 1
			}
		}
		return 1, 0, 1
	}
	last = int(k.last)
	if last < 0 {
		last += len(args)
	}
	return int(k.first), last, int(k.step)
}
