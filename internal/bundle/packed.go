package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// What is compressed is not read: how much it becomes when unpacked is not known
// before, and the reader bounds what it takes into memory. Files of a bundle are
// plain text, and so are exports.

// magics are the beginnings of compressed files, by what they are called.
var magics = map[string]string{
	"gzip": "\x1f\x8b", "zip": "PK\x03\x04", "zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh", "xz": "\xfd7zXZ\x00",
}

const longestMagic = 6

// suffixes are what the names of such files end with.
var suffixes = map[string]string{"gzip": ".gz", "zip": ".zip", "zstd": ".zst", "bzip2": ".bz2", "xz": ".xz"}

// packing says how a file is compressed that begins so; "" if it is not.
func packing(start []byte) string {
	for kind, magic := range magics {
		if strings.HasPrefix(string(start), magic) {
			return kind
		}
	}
	return ""
}

// refusePacked says of a compressed file that it must be unpacked, whatever its
// name.
func refusePacked(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, longestMagic)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if kind := packing(start[:n]); kind != "" {
		return packed(path, kind)
	}
	return nil
}

// packedBeside says how the file is compressed that stands where path should;
// "" if there is none.
func packedBeside(path string) string {
	for kind, suffix := range suffixes {
		if _, err := os.Stat(path + suffix); err == nil {
			return kind
		}
	}
	return ""
}

func packed(path, kind string) error {
	return fmt.Errorf("%s is compressed (%s): unpack it first, bundles and exports are read as they were written", path, kind)
}
