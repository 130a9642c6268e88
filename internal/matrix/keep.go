package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// elsewhere are the settings of a profile that say where it was pointed at.
// They may hold secrets, and are no part of what a cell does.
var elsewhere = []string{"target", "shards", "upgrade_command"}

// Settings takes out of a resolved profile what a plan does not keep.
func Settings(profile []byte) (json.RawMessage, error) {
	settings, err := decoded(profile)
	if err != nil {
		return nil, err
	}
	return json.Marshal(settings)
}

func decoded(profile []byte) (map[string]any, error) {
	var settings map[string]any
	if err := json.Unmarshal(profile, &settings); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	for _, key := range elsewhere {
		delete(settings, key)
	}
	return settings, nil
}

// finished reads the bundle of a cell. The error says why the cell has to be
// played (again): errAbsent, or what is wrong with what is there.
func (m *Matrix) finished(c Cell) (compare.Summary, error) {
	dir := m.BundleDir(c)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return compare.Summary{}, errAbsent
	}
	b, err := bundle.Open(dir)
	if err != nil {
		return compare.Summary{}, err
	}
	if err := m.Plan.check(c, b.Run); err != nil {
		return compare.Summary{}, err
	}
	s, err := compare.Summarize(b)
	switch {
	case err != nil:
		return s, err
	case !s.Complete:
		return s, errors.New("it was cut off")
	case !s.Valid:
		return s, fmt.Errorf("it was invalid: %s", strings.Join(s.InvalidReasons, "; "))
	}
	return s, nil
}

var (
	errAbsent = errors.New("not played yet")
	errOther  = errors.New("it is of another plan")
)

// Read makes all rows anew from the bundles, for numbers are never older than
// what computes them. A cell whose bundle is gone or of another plan keeps its row.
func (m *Matrix) Read() {
	beside(len(m.Rows), func(i int) { m.Rows[i] = m.read(m.Plan.Cells[i], m.Rows[i]) })
	m.correct()
}

func (m *Matrix) read(c Cell, known Row) Row {
	b, err := bundle.Open(m.BundleDir(c))
	if err == nil {
		err = m.Plan.check(c, b.Run)
	}
	switch {
	case err == nil:
	case known.State == Done:
		return failed(c, fmt.Errorf("its bundle cannot be used any more: %w", err))
	default:
		return known
	}
	s, err := compare.Summarize(b)
	if err != nil {
		return failed(c, err)
	}
	return row(c, s)
}

// beside calls do for each of the first n numbers, one for each processor at a
// time: a long cell has tens of megabytes to read.
func beside(n int, do func(int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// check says whether a run did what the plan has the cell do.
func (p Plan) check(c Cell, run bundle.Run) error {
	want, err := decoded(c.Settings)
	if err != nil {
		return err
	}
	got, err := decoded(run.Profile)
	switch {
	case err != nil:
		return err
	case run.Upgrade.Name != c.Upgrade || run.Rounds != p.Rounds || run.Speed != c.Speed || !reflect.DeepEqual(want, got):
		return errOther
	case run.Versions != p.Versions:
		return fmt.Errorf("it is of schload %s with go-redis %s", run.Versions.Schload, run.Versions.GoRedis)
	}
	return nil
}
