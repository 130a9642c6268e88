package report

import (
	"io"

	"schload/internal/matrix"
)

func MatrixHTML(w io.Writer, m *matrix.Matrix) error { return nil }
