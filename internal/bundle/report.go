package bundle

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// reportFile is a page for people. Nothing reads it.
const reportFile = "report.html"

// WriteReport replaces the bundle's page by what write writes: at every instant
// the path holds the old page or the whole new one.
func (b *Bundle) WriteReport(write func(io.Writer) error) error {
	return WriteWhole(filepath.Join(b.Dir, reportFile), write)
}

// WriteWhole replaces a file by what write writes, or leaves it as it was.
func WriteWhole(path string, write func(io.Writer) error) error {
	temporary := path + ".tmp"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, path)
}
