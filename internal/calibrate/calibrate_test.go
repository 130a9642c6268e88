package calibrate

import (
	"os"
	"testing"
)

func TestTry(t *testing.T) {
	c, err := Run(t.Context(), Config{Seed: 1, Only: []string{os.Getenv("ONLY")}})
	if err != nil {
		t.Fatal(err)
	}
	c.Text(os.Stdout)
}
