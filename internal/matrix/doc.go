// Package matrix is many runs as one result: profiles x upgrades, each cell a
// run of all arms with its own bundle. It decides how a matrix is paced, plays
// what is missing of it, keeps what is finished, and makes the table.
//
// A matrix is a directory: matrix.json with the plan and what became of it, and
// a bundle for each cell in cells. The bundles are the truth: whether a cell is
// finished, and every number of it, is read from its bundle.
package matrix
