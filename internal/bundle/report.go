package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// reportFile is a page for people. Nothing reads it.
const reportFile = "report.html"

// matrixFile makes a directory a matrix, whose bundles are in its matrixCells.
const (
	matrixFile  = "matrix.json"
	matrixCells = "cells"
)

// WriteReport replaces the bundle's page by what write writes: at every instant
// the path holds the old page or the whole new one.
func (b *Bundle) WriteReport(write func(io.Writer) error) error {
	return WriteWhole(filepath.Join(b.Dir, reportFile), write)
}

// CheckOutput says why a file must not be written, or cannot be: it is a
// directory, has none to be in, or is one of those that a bundle's numbers are
// computed from.
func CheckOutput(path string) error {
	dir, name := filepath.Dir(path), filepath.Base(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: there is no directory %s: make it first, or name another file", path, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file", path)
	}
	if name == matrixFile {
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s is what makes %s a matrix, which would be lost: name another file", path, dir)
		}
	}
	if Is(dir) && slices.Contains([]string{runFile, metricsFile, marksFile, summaryFile}, name) {
		return fmt.Errorf("%s is a part of the bundle %s, which would be lost: name another file", path, dir)
	}
	return nil
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
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
