package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"schload/internal/bundle"
)

// Schema names the layout of matrix.json. The number rises when a reader of the
// old layout would misread the new one.
const Schema = schemaName + "1"

const (
	schemaName    = "schload.matrix/"
	schemaVersion = 1

	// FileName is that of the file which makes a directory a matrix.
	FileName = "matrix.json"
	cellsDir = "cells"

	// maxFile bounds what is read of matrix.json, in bytes. A cell takes 2 to 4 kB
	// of it with two arms: a thousand cells of ten arms stay below a third.
	maxFile = 64 << 20
)

// Matrix is matrix.json.
type Matrix struct {
	Schema  string    `json:"schema"`
	Started time.Time `json:"started"`
	Plan    Plan      `json:"plan"`
	Rows    []Row     `json:"rows"` // one for each cell of the plan, in its order

	Dir string `json:"-"`
}

// BundleDir is the directory of a cell's bundle.
func (m *Matrix) BundleDir(c Cell) string { return filepath.Join(m.Dir, cellsDir, c.Name()) }

// Is says whether a path names a matrix: its directory or its file.
func Is(path string) bool {
	if filepath.Base(path) == FileName {
		return true
	}
	_, err := os.Stat(filepath.Join(path, FileName))
	return err == nil
}

// Open reads a matrix from its directory or its file.
func Open(path string) (*Matrix, error) {
	if filepath.Base(path) == FileName {
		path = filepath.Dir(path)
	}
	file := filepath.Join(path, FileName)
	data, err := bundle.ReadBounded(file, maxFile, "matrix")
	if err != nil {
		return nil, err
	}
	m := &Matrix{Dir: path}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := bundle.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := readable(head.Schema); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := bundle.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := m.Plan.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(m.Rows) != len(m.Plan.Cells) {
		return nil, fmt.Errorf("%s: %d rows for %d cells: the file was changed by hand or by something else", file, len(m.Rows), len(m.Plan.Cells))
	}
	return m, nil
}

func readable(schema string) error {
	number, ok := strings.CutPrefix(schema, schemaName)
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || version < 1:
		return fmt.Errorf("schema %q is not one of a matrix (want %s)", schema, Schema)
	case version > schemaVersion:
		return fmt.Errorf("schema %s is newer than %s: read it with the schload that wrote it or a newer one", schema, Schema)
	}
	return nil
}

// Begin opens the directory of a matrix: a new one, or one of the same plan
// that was begun before. A directory that holds anything else is refused.
func Begin(dir string, plan Plan, now time.Time) (*Matrix, error) {
	if Is(dir) {
		m, err := Open(dir)
		if err != nil {
			return nil, err
		}
		if what, err := differs(m.Plan, plan); err != nil || len(what) > 0 {
			return nil, errors.Join(err, other(dir, what))
		}
		return m, nil
	}
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	case len(entries) > 0:
		return nil, fmt.Errorf("%s is not empty and holds no matrix: give another --out", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, cellsDir), 0o755); err != nil {
		return nil, err
	}
	m := &Matrix{Schema: Schema, Started: now, Plan: plan, Dir: dir}
	for _, c := range plan.Cells {
		m.Rows = append(m.Rows, pending(c))
	}
	return m, m.save()
}

func other(dir string, what []string) error {
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("%s holds a matrix of another plan:\n  %s\ngive the flags it was begun with, or another --out", dir, strings.Join(what, "\n  "))
}

// save replaces matrix.json whole.
func (m *Matrix) save() error {
	return bundle.WriteWhole(filepath.Join(m.Dir, FileName), m.JSON)
}

// JSON writes the matrix as its file holds it.
func (m *Matrix) JSON(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
