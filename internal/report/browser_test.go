package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Pages in a real browser: no request, no complaint, three widths, the keyboard,
// and what axe knows of accessibility. test/browser/check.js does the looking.
func TestE2EBrowser(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("starts a browser: set E2E=1, or run make e2e-browser")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here")
	}
	if _, err := exec.LookPath("chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		t.Skip("no chromium here; CHROMIUM names one")
	}
	folder := filepath.Join("..", "..", "test", "browser")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Skip("test/browser lacks its modules: npm ci")
	}
	look := func(t *testing.T, name, text string, options ...string) {
		page := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(node, filepath.Join(folder, "check.js"), page)
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			check.Args = append(check.Args, filepath.Join(dir, name))
		}
		check.Args = append(check.Args, options...)
		out, err := check.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
	}
	for name, g := range map[string]staged{
		"plain":   {rounds: 8, length: 6, rate: 100, arms: []string{"on", "off"}},
		"hostile": {rounds: 1, length: 6, rate: 50, hostile: hostile, arms: []string{"on" + hostile, "off" + hostile}},
		"wide":    {rounds: 1, length: 200, rate: 20, arms: []string{"on", "off", "on-noretry", "off-dns"}},
	} {
		t.Run(name, func(t *testing.T) {
			look(t, name, pageOf(t, g.write(t, filepath.Join(t.TempDir(), "b"))))
		})
	}
	t.Run("matrix", func(t *testing.T) { look(t, "matrix", written(t, MatrixHTML, stagedMatrix(t, hostile))) })
	t.Run("matrix of 30 minutes", func(t *testing.T) { look(t, "long", written(t, MatrixHTML, longMatrix(t)), "--without-axe") })
}
