package recount

import "testing"

func TestX(t *testing.T) {
	for _, d := range []string{"/tmp/wt/pr1", "/tmp/wt/pr2", "/tmp/wt/pr7", "/tmp/wt/camp/A1"} {
		diff, err := Differences(d)
		t.Log(d, err)
		for _, x := range diff {
			t.Error(x)
		}
	}
}
