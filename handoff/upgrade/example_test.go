package upgrade_test

import (
	"fmt"

	"schload/handoff/upgrade"
)

// A plan that moves the endpoint's record well before the old proxy closes, in
// a fifth of the time.
func ExampleUpgrade_Plan() {
	u, err := upgrade.Load("endpoint-rebind")
	if err != nil {
		fmt.Println(err)
		return
	}
	if u, err = u.Set([]string{"dns_offset=4.4s"}); err != nil {
		fmt.Println(err)
		return
	}
	plan, err := u.Plan(1, 5)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range plan.Actions {
		fmt.Println(a.At, a.Act, a.Node, a.Origin)
	}
	// Output:
	// 1.2s listen new measured
	// 1.2s notify old measured
	// 2.08s dns new measured
	// 2.92s bind new measured
	// 4.34s refuse old measured
	// 4.34s close old measured
}
