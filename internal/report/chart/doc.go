// Package chart draws figures as HTML with SVG inside: panels of shapes on a
// common horizontal axis, with labels, a legend, a readout that follows pointer
// and arrow keys, and a table of the numbers.
//
// The one invariant: a figure says nothing by colour alone. Lines differ in
// dashes, areas in stripes, lanes in their place, and the table has it all.
//
// Shapes are stretched to the width of the page, labels are not: they are HTML
// beside the SVG, so that they can be read on a phone. The same figure gives
// the same bytes. It knows nothing of runs and reads no files.
package chart
