package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Newest finds the bundle right below a directory that was written to last, and
// when it got its last interval. The name is empty when there is none; that the
// directory is not there yet is no error.
func Newest(dir string) (name string, at time.Time, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", at, nil
	}
	if err != nil {
		return "", at, err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(filepath.Join(path, metricsFile))
		if err != nil {
			continue // no bundle, or one that is being removed
		}
		if info.ModTime().After(at) {
			name, at = path, info.ModTime()
		}
	}
	return name, at, nil
}
