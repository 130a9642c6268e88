package calibrate

import "context"

func facts(ctx context.Context) []Fact { return nil }
