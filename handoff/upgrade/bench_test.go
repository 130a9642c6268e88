package upgrade_test

import (
	"testing"

	"schload/handoff/upgrade"
)

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := upgrade.Load("endpoint-rebind"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	u, err := upgrade.Load("endpoint-rebind")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Plan(1, 5); err != nil {
			b.Fatal(err)
		}
	}
}
