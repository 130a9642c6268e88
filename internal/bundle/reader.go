package bundle

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Bundle is a run directory opened for reading.
type Bundle struct {
	Dir string
	Run Run
	// Warnings say what is missing from the bundle. They do not prevent
	// reading, yet whoever shows results must show them.
	Warnings []string
	// Damage says where the files do not hold what the run wrote, by its own
	// count: nothing follows from their numbers.
	Damage []string

	exported *whole // where it was exported and has no directory; nil: it has
}

// maxRun bounds what is read of run.json. That of a run of twenty arms, its
// profile and plan included, stays below a megabyte.
const maxRun = 16 << 20

// ReadBounded reads a plain file whole that holds no more than most bytes, a
// number of MB. The error of one that holds more names those that never do: "run".
func ReadBounded(path string, most int64, of string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case packing(data) != "":
		return nil, packed(path, packing(data))
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s: it is longer than %d MB: no %s of schload has one like it; give a directory that schload wrote", path, most>>20, of)
	}
	return data, nil
}

// Is says whether a directory looks like a bundle, whole or not.
func Is(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, runFile))
	return err == nil && info.Mode().IsRegular()
}

// Others are the names in a bundle's directory that are not of its files.
func Others(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !slices.Contains([]string{runFile, metricsFile, marksFile, summaryFile}, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Open reads run.json of a bundle and looks at its other files. The path is
// the directory or a file in it.
func Open(path string) (*Bundle, error) {
	b := &Bundle{Dir: path}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", path, err)
	} else if !info.IsDir() {
		if err := refusePacked(path); err != nil {
			return nil, err
		}
		b.Dir = filepath.Dir(path)
	}
	data, err := ReadBounded(filepath.Join(b.Dir, runFile), maxRun, "run")
	if errors.Is(err, os.ErrNotExist) {
		if kind := packedBeside(filepath.Join(b.Dir, runFile)); kind != "" {
			return nil, packed(filepath.Join(b.Dir, runFile)+suffixes[kind], kind)
		}
		return nil, b.noBundle(path)
	}
	if err != nil {
		return nil, err
	}
	if b.Run, err = decodeRun(data); err != nil {
		return nil, fmt.Errorf("bundle %s: %s: %w", b.Dir, runFile, err)
	}
	return b, b.inspect()
}

// noBundle says what a path is that names no bundle, and what might be meant.
func (b *Bundle) noBundle(path string) error {
	if path != b.Dir {
		return fmt.Errorf("%s is no file of a bundle: there is no %s beside it; give a directory that schload run wrote", path, runFile)
	}
	if _, err := os.Stat(filepath.Join(path, matrixFile)); err == nil {
		return fmt.Errorf("%s is not a bundle but a matrix: give one of its bundles, in %s", path, filepath.Join(path, matrixCells))
	}
	return fmt.Errorf("%s is not a bundle: it holds no %s; give a directory that schload run wrote", path, runFile)
}

func decodeRun(data []byte) (Run, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := Unmarshal(data, &head); err != nil {
		return Run{}, err
	}
	if err := readable(head.Schema); err != nil {
		return Run{}, err
	}
	var run Run
	if err := Unmarshal(data, &run); err != nil {
		return Run{}, err
	}
	return run, nil
}

// inspectRun warns of what run.json says is missing.
func (b *Bundle) inspectRun() {
	if m := b.Run.Merge; m != nil {
		b.Warnings = append(append(b.Warnings, m.lacking()...), m.Warnings...)
		for _, text := range m.Ignored {
			b.warn("ignored in merging: " + text)
		}
	} else if !b.Complete() {
		b.warn("the run did not end properly: what it recorded until then is here, its own verdict is not")
	}
}

func (b *Bundle) inspect() error {
	b.inspectRun()
	for _, name := range []string{metricsFile, marksFile} {
		path := filepath.Join(b.Dir, name)
		torn, err := tornLine(path)
		if errors.Is(err, os.ErrNotExist) {
			if kind := packedBeside(path); kind != "" {
				return packed(path+suffixes[kind], kind)
			}
			return fmt.Errorf("bundle %s lacks %s, which every run writes: its numbers cannot be computed again", b.Dir, name)
		}
		if err != nil {
			return err
		}
		if err := refusePacked(path); err != nil {
			return err
		}
		if torn {
			b.warn(name + ": the last line is torn and was left out")
		}
	}
	b.inspectMarks()
	return b.inspectLines()
}

// inspectLines holds the files against what the run says it wrote. It reads them
// whole, at some gigabytes a second.
func (b *Bundle) inspectLines() error {
	if b.Run.Final == nil || b.Run.Final.Lines == nil {
		return nil
	}
	wrote := b.Run.Final.Lines
	for _, file := range []struct {
		name  string
		wrote uint64
	}{{metricsFile, wrote.Intervals}, {marksFile, wrote.Marks}} {
		holds, err := countLines(filepath.Join(b.Dir, file.name))
		if err != nil {
			return err
		}
		if holds != file.wrote {
			b.Damage = append(b.Damage, fmt.Sprintf("%s holds %s whole lines, the run wrote %s: it was changed or cut off, copy it again", file.name, Count(holds), Count(file.wrote)))
		}
	}
	return nil
}

func (b *Bundle) inspectMarks() {
	if f := b.Run.Final; f != nil && f.MarksDropped > 0 {
		b.warn(fmt.Sprintf("%s: %s marks are missing, more came than the timeline keeps; all of them are counted", marksFile, Count(f.MarksDropped)))
	}
}

func (b *Bundle) warn(text string) { b.Warnings = append(b.Warnings, text) }

// Complete says whether the run ended and said so, of a merged one whether all
// its workers did.
func (b *Bundle) Complete() bool { return b.Run.Final != nil && len(b.Run.Merge.lacking()) == 0 }

// Intervals yields the intervals in order. It ends at the first error.
func (b *Bundle) Intervals() iter.Seq2[record.Interval, error] {
	if b.exported != nil {
		return b.exported.intervals()
	}
	return readLines(filepath.Join(b.Dir, metricsFile), newSequence(b.Run.Started, false).next)
}

// Pass yields the intervals as Intervals does, but each is valid until the next
// alone: its lists and histograms are used again. An hour is read without
// garbage.
func (b *Bundle) Pass() iter.Seq2[record.Interval, error] {
	if b.exported != nil {
		return b.exported.intervals()
	}
	return readLines(filepath.Join(b.Dir, metricsFile), newSequence(b.Run.Started, true).next)
}

// Lines yields the lines of the intervals as they stand in the file, each whole
// and readable, without their newlines. A line is valid until the next. It ends
// at the first error.
func (b *Bundle) Lines() iter.Seq2[[]byte, error] {
	if b.exported != nil {
		return b.exported.lines()
	}
	lines := newSequence(b.Run.Started, true)
	return readLines(filepath.Join(b.Dir, metricsFile), func(n int, line []byte) ([]byte, error) {
		_, err := lines.next(n, line)
		return line, err
	})
}

// Marks yields the marks in the order they were written, which is nearly but
// not quite that of their instants. It ends at the first error.
func (b *Bundle) Marks() iter.Seq2[mark.Mark, error] {
	if b.exported != nil {
		return b.exported.timelineMarks()
	}
	return readLines(filepath.Join(b.Dir, marksFile), func(_ int, line []byte) (mark.Mark, error) { return decodeMark(line) })
}

// Timeline returns all marks ordered by instant, those of the same instant as
// they were written.
func (b *Bundle) Timeline() ([]mark.Mark, error) {
	var all []mark.Mark
	for m, err := range b.Marks() {
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(x, y mark.Mark) int { return cmp.Compare(x.At, y.At) })
	return all, nil
}

// WriteSummary stores what package compare computed from the other files.
func (b *Bundle) WriteSummary(summary any) error {
	return writeAtomic(filepath.Join(b.Dir, summaryFile), summary)
}
