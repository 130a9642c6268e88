package main

import (
	"github.com/spf13/pflag"

	"schload/profiles"
)

// registerOrder registers --order.
func registerOrder(flags *pflag.FlagSet, order *string) {
	flags.StringVar(order, "order", "", "how the arms meet the upgrade of a round: "+profiles.OrderPaired+" (all at once, the same event: the default), or "+
		profiles.OrderSequential+" (one after the other, A B, then B A, each with a playing of its own: for targets too small for two arms; takes as many times as long as there are arms, and more rounds)")
}
