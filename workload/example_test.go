package workload_test

import (
	"fmt"
	"time"

	"schload/workload"
)

// A schedule is a pure function: what is due is known before the run.
func ExampleSchedule() {
	s := workload.Schedule{Rate: workload.Ramp(0, 8, 2*time.Second)}
	for at := range s.Instants() {
		if at >= 2*time.Second {
			break
		}
		fmt.Println(at.Round(time.Millisecond))
	}
	fmt.Println(s.Count(2*time.Second), "until 2s,", s.Count(10*time.Second), "until 10s")
	// Output:
	// 0s
	// 707ms
	// 1s
	// 1.225s
	// 1.414s
	// 1.581s
	// 1.732s
	// 1.871s
	// 8 until 2s, 72 until 10s
}

// Weights are ratios.
func ExampleParseMix() {
	mix, err := workload.ParseMix("get=4,set=1")
	fmt.Println(mix, err)
	_, err = workload.ParseMix("GTE=1")
	fmt.Println(err)
	// Output:
	// GET=4,SET=1 <nil>
	// mix "GTE=1": unknown command "GTE" (did you mean GET?): want one of GET, SET, DEL, INCR, EXISTS, EXPIRE, HSET, HGET, LPUSH, RPOP, SADD, ZADD, PING, ECHO, MGET, MSET, EVAL, MULTI, SETEX, GETEX, TTL, PTTL, PERSIST, GETRANGE, HMGET, HGETALL, LRANGE, LTRIM, SREM, SISMEMBER, ZINCRBY, ZSCORE, ZRANGE, XADD, XLEN
}

func ExampleParseRate() {
	rate, err := workload.ParseRate("100..5000/30s,5000/1m,0")
	fmt.Println(rate, err)
	fmt.Println(rate.At(15*time.Second), rate.At(time.Minute), rate.At(time.Hour))
	// Output:
	// 100..5000/30s,5000/1m0s,0 <nil>
	// 2550 5000 0
}
