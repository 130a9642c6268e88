package observability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drawn is a run that pictures show.
type drawn struct {
	upgrade string
	summary
}

// pictures has the boards drawn of what Prometheus answers about these runs, to
// the folder that PICTURES names.
func (s *stack) pictures(t *testing.T, runs []drawn) {
	out := os.Getenv("PICTURES")
	if out == "" {
		out = t.TempDir()
	}
	if os.Getenv("PREVIEW") == "" {
		t.Skip("SKIP: PREVIEW names no program that draws: make e2e-observability builds it")
	}
	arguments := []string{"-prometheus", s.prometheus, "-out", out}
	for _, r := range runs {
		arguments = append(arguments, "-run", fmt.Sprintf("%s=%s/%s", r.upgrade, r.from.Format(time.RFC3339Nano), r.to.Add(time.Second).Format(time.RFC3339Nano)))
	}
	if text, err := exec.CommandContext(t.Context(), built(t, "PREVIEW", ""), arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for board, shown := range map[string][]drawn{"handoffs": runs[:1], "explorer": runs[:1], "matrix": nil} {
		picture, err := os.ReadFile(filepath.Join(out, board+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(picture), "Prometheus server; Grafana itself was not run") || bytes.Count(picture, []byte("<path")) == 0 && board != "matrix" {
			t.Errorf("%s says not where it comes from, or shows nothing", board)
		}
		for _, r := range shown {
			if board == "handoffs" && !bytes.Contains(picture, []byte(r.RunID)) {
				t.Errorf("%s is not of run %s", board, r.RunID)
			}
		}
		for _, r := range runs {
			if board == "matrix" && !bytes.Contains(picture, []byte(r.upgrade)) {
				t.Errorf("the matrix has no %s", r.upgrade)
			}
		}
	}
}
