//go:build !unix

package vitals

import "time"

func processorTime() time.Duration { return -1 }
func fileLimit() int               { return -1 }
