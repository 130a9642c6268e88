package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"schload/workload"
)

// BenchmarkAdded is what the harness adds to go-redis, without a network, a
// server or any other goroutine to blur it: connections answer by themselves.
// Nanoseconds of processor time an operation, bare, with the harness, and the
// median of the differences. A real operation costs some 12 us more on both
// sides, one in a pipeline of 16 some 2 us.
func BenchmarkAdded(b *testing.B) {
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			bare := turn{Loop: "bare", Mirror: true, Cluster: c.cluster, Workers: workers, Pipeline: c.pipeline, Size: workload.DefaultSize, Length: seconds(b) / 4}
			schload := bare
			schload.Loop, schload.Arm = "schload", "off"
			for b.Loop() {
				of := inTurn(b, bare, schload)
				var added []float64
				for i := range of[0] {
					added = append(added, 1000*(of[1][i].cost()-of[0][i].cost()))
				}
				b.ReportMetric(1000*medianOf(of[0], figures.cost), "bare-ns")
				b.ReportMetric(1000*medianOf(of[1], figures.cost), "schload-ns")
				b.ReportMetric(median(added), "added-ns")
				b.ReportMetric(slices.Min(added), "added-min")
				b.ReportMetric(slices.Max(added), "added-max")
			}
		})
	}
}

// mirrorAddr is where mirrors are dialled.
const mirrorAddr = "10.0.0.1:7000"

// mirror is a connection that answers what it is sent, at once and in the
// goroutine that asks.
type mirror struct {
	replies bytes.Buffer
	args    [][]byte
}

func dialMirror(context.Context, string, string) (net.Conn, error) { return &mirror{}, nil }

func (m *mirror) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		rest = m.scan(rest)
		m.answer()
	}
	return len(p), nil
}

// scan takes one command off p, which holds whole ones.
func (m *mirror) scan(p []byte) []byte {
	number := func() int {
		n, i := 0, 1
		for ; p[i] != '\r'; i++ {
			n = 10*n + int(p[i]-'0')
		}
		p = p[i+2:]
		return n
	}
	m.args = m.args[:0]
	for n := number(); n > 0; n-- {
		size := number()
		m.args = append(m.args, p[:size])
		p = p[size+2:]
	}
	return p
}

const mirrorFill = "|0123456789012345678901234567890123456789"

func (m *mirror) answer() {
	out := &m.replies
	switch string(m.args[0]) {
	case "get":
		key := m.args[1]
		out.WriteByte('$')
		out.Write(strconv.AppendInt(out.AvailableBuffer(), int64(len(key)+len(mirrorFill)), 10))
		out.WriteString("\r\n")
		out.Write(key)
		out.WriteString(mirrorFill + "\r\n")
	case "set":
		out.WriteString("+OK\r\n")
	case "hello":
		out.WriteString("%1\r\n+proto\r\n:3\r\n")
	case "cluster":
		out.WriteString("*3\r\n" + strings.Join([]string{
			mirrorSlots(0, 5461, "10.0.0.1"), mirrorSlots(5462, 10922, "10.0.0.2"), mirrorSlots(10923, 16383, "10.0.0.3")}, ""))
	case "command":
		out.WriteString("*3\r\n" + mirrorCommand("ping", "fast", 0) + mirrorCommand("get", "readonly", 1) + mirrorCommand("set", "write", 1))
	default:
		out.WriteString("+PONG\r\n")
	}
}

func mirrorCommand(name, flag string, key int) string {
	return fmt.Sprintf("*6\r\n$%d\r\n%s\r\n:-2\r\n*1\r\n+%s\r\n:%d\r\n:%d\r\n:%d\r\n", len(name), name, flag, key, key, key)
}

func mirrorSlots(from, to int, host string) string {
	return fmt.Sprintf("*3\r\n:%d\r\n:%d\r\n*3\r\n$%d\r\n%s\r\n:7000\r\n$40\r\n%040s\r\n", from, to, len(host), host, host)
}

func (m *mirror) Read(p []byte) (int, error) {
	n, err := m.replies.Read(p)
	if err == io.EOF {
		err = errMirrorEmpty
	}
	return n, err
}

var errMirrorEmpty = fmt.Errorf("nothing was asked: %w", io.ErrNoProgress)

func (*mirror) Close() error                     { return nil }
func (*mirror) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 1} }
func (*mirror) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 7000} }
func (*mirror) SetDeadline(time.Time) error      { return nil }
func (*mirror) SetReadDeadline(time.Time) error  { return nil }
func (*mirror) SetWriteDeadline(time.Time) error { return nil }
