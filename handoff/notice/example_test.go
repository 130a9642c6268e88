package notice_test

import (
	"fmt"

	"schload/handoff/notice"
)

func ExampleParse() {
	frame := []byte(">4\r\n$6\r\nMOVING\r\n:17\r\n:15\r\n$14\r\n127.0.0.3:6379\r\n")
	n, size, err := notice.Parse(frame)
	fmt.Println(n, size, err)
	// Output: MOVING 17 in 15s to 127.0.0.3:6379 47 <nil>
}
