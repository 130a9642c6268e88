package report

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Law: no percentile without its count, in any text that a report has: a
// sentence says of how many, a table has a row or a column n above or beside it.
func TestPercentilesAreCounted(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.txt", "*.md"} {
		found, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "plain") || strings.HasPrefix(filepath.Base(file), "screen") {
			continue // of the last second, whose operations stand beside it
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if !percentile.MatchString(line) || ofRounds.MatchString(line) {
				continue
			}
			seen++
			if !ofSoMany.MatchString(line) && !headed(line) && !below(lines[:i]) {
				t.Errorf("%s:%d: a percentile without its count: %s", file, i+1, line)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d lines with percentiles: the files are not those that reports are held against", seen)
	}
}

var (
	percentile = regexp.MustCompile(`\bp(50|9[0-9])\b`)
	ofSoMany   = regexp.MustCompile(` of [0-9]|of n, ms|p99\.9 needs [0-9 ]+ successes`)
	ofRounds   = regexp.MustCompile(`^(  |\| on - off: )response p`) // a difference, over as many rounds as its table says
	counts     = regexp.MustCompile(`^(  (baseline    |maintenance )?n +[0-9~-]|  (baseline|maintenance) +n |  delivery time, ms, (baseline   |maintenance) n |\| successes in )`)
)

// headed says whether a line heads columns of which one is n.
func headed(line string) bool {
	return regexp.MustCompile(`(\| | )n( \|| )`).MatchString(line)
}

// below says whether one of the four lines above is a row of counts.
func below(lines []string) bool {
	for _, line := range lines[max(0, len(lines)-4):] {
		if counts.MatchString(line) {
			return true
		}
	}
	return false
}
