package sim

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/notice"
	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
	"schload/internal/memnet"
)

// Notices fall between whole replies, whatever is on its way: pipelines, small
// and large replies, nested ones. Every reply comes, in order, and every
// notice, once and in order. This test is not in a bubble: virtual time passes
// only when nothing else happens, and notices would always find the line free.
func TestPushesBetweenReplies(t *testing.T) {
	for _, shards := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			network := memnet.New()
			config := Config{Listen: network.Listen, Port: 12000, dial: func(_ context.Context, _, address string) (net.Conn, error) {
				return net.Dial("tcp", address)
			}}
			for range shards {
				config.Shards = append(config.Shards, "redis://"+miniredis.RunT(t).Addr())
			}
			talkAmidNotices(t, network, startReal(t, config))
		})
	}
}

func talkAmidNotices(t *testing.T, network *memnet.Network, s *Simulator) {
	dial := func() *realPeer {
		conn, err := network.Dial(t.Context(), "tcp", node1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &realPeer{TB: t, Conn: conn, replies: resp.NewReplies(conn)}
	}
	setup := dial()
	setup.do("SET big "+strings.Repeat("v", 9000), "+OK\r\n")
	setup.do("RPUSH list "+strings.Repeat("e ", 50), ":50\r\n")
	var talks []*talk
	for id := range 3 {
		c := dial()
		c.do("HELLO 3", "%7\r\n")
		c.do("CLIENT MAINT_NOTIFICATIONS ON", "+OK\r\n")
		talks = append(talks, &talk{realPeer: c, id: id})
	}
	var wg sync.WaitGroup
	for _, talk := range talks {
		wg.Go(talk.send)
		wg.Go(talk.receive)
	}
	if err := s.Play(t.Context(), manyNotices()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for _, talk := range talks {
		if talk.fault != "" {
			t.Errorf("peer %d: %s", talk.id, talk.fault)
		}
		t.Logf("peer %d: %d of %d notices came between replies of one write", talk.id, talk.amid, 2*noticePairs)
	}
}

const noticePairs = 200

func manyNotices() upgrade.Plan {
	var plan upgrade.Plan
	for i := range noticePairs {
		begin := time.Duration(i) * 500 * time.Microsecond
		plan.Actions = append(plan.Actions, notifyAt(begin, notice.Migrating, 2, "1"), notifyAt(begin+200*time.Microsecond, notice.Migrated, 0, "1"))
	}
	return plan
}

// talk is one client that says the same thing over and over until it has heard
// all notices.
type talk struct {
	*realPeer
	id    int
	seq   int64 // of the next notice
	amid  int   // notices between the replies to one write
	fault string
}

func (c *talk) round() (say string, replies []string) {
	token := fmt.Sprintf("token%d", c.id)
	return cmd("ECHO "+token) + cmd("GET big") + cmd("CLIENT GETNAME") + cmd("LRANGE list 0 -1") + cmd("GET big"), []string{
		string(resp.AppendBulk(nil, token)), string(resp.AppendBulk(nil, strings.Repeat("v", 9000))), "_\r\n",
		string(resp.AppendArray(nil, 50)) + strings.Repeat("$1\r\ne\r\n", 50), string(resp.AppendBulk(nil, strings.Repeat("v", 9000))),
	}
}

// send keeps several rounds on their way; it ends with the connection.
func (c *talk) send() {
	say, _ := c.round()
	for {
		if _, err := c.Write([]byte(say)); err != nil {
			return
		}
	}
}

func (c *talk) receive() {
	defer c.Close()
	_, want := c.round()
	for next := 0; c.seq < 2*noticePairs; {
		c.SetReadDeadline(time.Now().Add(30 * time.Second))
		frame, err := c.replies.Next()
		switch {
		case err != nil:
			c.fault = fmt.Sprintf("%v, %d notices came", err, c.seq)
			return
		case resp.IsPush(frame):
			if n, _, err := notice.Parse(frame); err != nil || n.Seq != c.seq {
				c.fault = fmt.Sprintf("got %q, %v, want notice %d", frame, err, c.seq)
				return
			}
			c.seq++
			if next > 0 {
				c.amid++
			}
		case string(frame) != want[next]:
			c.fault = fmt.Sprintf("got %.200q, want %.200q", frame, want[next])
			return
		default:
			next = (next + 1) % len(want)
		}
	}
}
