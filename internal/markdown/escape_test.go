package markdown

import "testing"

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"3 of 5 µs, 95 %":                 "3 of 5 µs, 95 %",
		"a|b *c* _d_ `e` [f](g) ~h~ #i !": "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\[f\\](g) \\~h\\~ \\#i \\!",
		"<script>&amp;":                   "&lt;script&gt;&amp;amp;",
		"two\nlines\x1b[2J\u009bm":        "two lines \\[2J m",
		`back\slash`:                      `back\\slash`,
	} {
		if got := Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}
