package main

import (
	"fmt"
	"os"
	"path/filepath"

	"schload/internal/bundle"
	"schload/internal/matrix"
)

// directories replaces those that hold bundles, rather than being one, by the
// bundles in them, in order of their names, which sort by time. What is no
// bundle in there, such as a matrix's table, is passed over; a directory without
// any is left for the reader to refuse.
func directories(args []string) (dirs []string, err error) {
	for _, arg := range args {
		entries, err := os.ReadDir(arg)
		if err != nil || bundle.Is(arg) {
			dirs = append(dirs, arg)
			continue
		}
		found := 0
		for _, e := range entries {
			if one := filepath.Join(arg, e.Name()); e.IsDir() && bundle.Is(one) {
				dirs = append(dirs, one)
				found++
			}
		}
		if found == 0 && matrix.Is(arg) {
			return nil, fmt.Errorf("%s is a matrix: give the directory of its bundles, %s", arg, filepath.Join(arg, "cells"))
		}
		if found == 0 {
			return nil, fmt.Errorf("%s: neither a bundle nor a directory of bundles: there is no run.json in it, nor in the directories that it holds", arg)
		}
	}
	return dirs, nil
}
