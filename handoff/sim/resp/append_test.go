package resp

import "testing"

func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"bulk", AppendBulk(nil, "a\r\nb"), "$4\r\na\r\nb\r\n"},
		{"bytes", AppendBulk(nil, []byte{}), "$0\r\n\r\n"},
		{"integer", AppendInt(nil, -7), ":-7\r\n"},
		{"array", AppendArray(nil, 2), "*2\r\n"},
		{"map 3", AppendMap(nil, 3, 2), "%2\r\n"},
		{"map 2", AppendMap(nil, 2, 2), "*4\r\n"},
		{"null 3", AppendNull(nil, 3), "_\r\n"},
		{"null 2", AppendNull(nil, 2), "$-1\r\n"},
		{"status", AppendStatus(nil, "OK"), "+OK\r\n"},
		{"error", AppendError(nil, "ERR unknown 'a\r\nb'"), "-ERR unknown 'a  b'\r\n"},
		{"request", AppendRequest(nil, "GET", "k"), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"},
	}
	for _, test := range tests {
		if string(test.got) != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}
