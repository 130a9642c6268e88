package sim

import (
	"strings"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

const (
	hello3 = "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.4.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n" +
		"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
	hello2 = "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.4.0\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n" +
		"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
	noAuth    = "-NOAUTH Authentication required.\r\n"
	wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
)

// Handshakes, byte by byte: each line is sent, then answered.
func TestHandshake(t *testing.T) {
	type line struct{ say, reply string }
	tests := map[string]struct {
		config Config
		lines  []line
	}{
		"hello": {lines: []line{
			{"HELLO", hello2},
			{"HELLO 3", hello3},
			{"hello", hello3},
			{"HELLO 2 SETNAME me", hello2},
			{"CLIENT GETNAME", "$2\r\nme\r\n"},
			{"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
			{"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
			{"HELLO 3 AUTH me", "-ERR Syntax error in HELLO option 'AUTH'\r\n"},
			{"HELLO 3 WHAT", "-ERR Syntax error in HELLO option 'WHAT'\r\n"},
			{"HELLO 3 AUTH default anything", hello3},
			{"HELLO 3 AUTH someone anything", wrongPass},
			{"HELLO 3 SETNAME \u00e4", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
		}},
		"client": {lines: []line{
			{"CLIENT ID", ":1\r\n"},
			{"CLIENT GETNAME", "$-1\r\n"},
			{"HELLO 3", hello3},
			{"client getname", "_\r\n"},
			{"Client SetName app", "+OK\r\n"},
			{"CLIENT GETNAME", "$3\r\napp\r\n"},
			{"CLIENT SETNAME \u00e4", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
			{"CLIENT SETINFO LIB-NAME go-redis(,go1.26)", "+OK\r\n"},
			{"CLIENT SETINFO lib-ver 9.23.0", "+OK\r\n"},
			{"CLIENT SETINFO lib-ver \u00e4", "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n"},
			{"CLIENT SETINFO lib-age 9", "-ERR Unrecognized option 'lib-age'\r\n"},
			{"CLIENT REPLY ON", "+OK\r\n"},
			{"CLIENT REPLY OFF", "-ERR the simulator always replies: CLIENT REPLY knows ON only\r\n"},
			{"CLIENT NONESUCH", "-ERR unknown subcommand 'NONESUCH'. Try CLIENT HELP.\r\n"},
			{"CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"},
			{"AUTH secret", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"},
			{"AUTH default secret", "+OK\r\n"},
			{"RESET", "+RESET\r\n"},
			{"CLIENT GETNAME", "$-1\r\n"},
		}},
		"password": {config: Config{Password: "secret"}, lines: []line{
			{"PING", noAuth},
			{"CLIENT ID", noAuth},
			{"CLIENT MAINT_NOTIFICATIONS ON", noAuth},
			{"HELLO 3", "-" + noAuthHello + "\r\n"},
			{"HELLO 3 AUTH default wrong", wrongPass},
			{"AUTH wrong", wrongPass},
			{"AUTH other secret", wrongPass},
			{"AUTH", "-ERR wrong number of arguments for 'auth' command\r\n"},
			{"AUTH a b c", "-ERR wrong number of arguments for 'auth' command\r\n"},
			{"AUTH secret", "+OK\r\n"},
			{"PING", "+PONG\r\n"},
			{"RESET", "+RESET\r\n"},
			{"PING", noAuth},
			{"HELLO 3 AUTH default secret", hello3},
			{"PING", "+PONG\r\n"},
		}},
		"user": {config: Config{Username: "app", Password: "secret"}, lines: []line{
			{"AUTH secret", wrongPass},
			{"AUTH app secret", "+OK\r\n"},
			{"PING", "+PONG\r\n"},
		}},
		"transaction": {lines: []line{
			{"MULTI", "+OK\r\n"},
			{"HELLO 3", "-ERR Command not allowed inside a transaction\r\n"},
			{"AUTH x", "-ERR Command not allowed inside a transaction\r\n"},
			{"CLIENT MAINT_NOTIFICATIONS ON", "-ERR Command not allowed inside a transaction\r\n"},
			{"CLIENT SETNAME x", "+QUEUED\r\n"},
			{"SET k v", "+QUEUED\r\n"},
			{"EXEC", "*2\r\n+OK\r\n+OK\r\n"},
			{"HELLO 3", hello3},
		}},
		"unsupported": {config: Config{Support: Support{Unsupported: true}}, lines: []line{
			{"client maint_notifications on moving-endpoint-type none", "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.\r\n"},
			{"PING", "+PONG\r\n"},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, test.config, func(w *world) {
				c := w.dial(node1)
				for _, l := range test.lines {
					c.do(l.say, l.reply)
				}
			})
			// The same in one write: replies keep their order.
			inWorld(t, test.config, func(w *world) {
				c := w.dial(node1)
				var say, reply strings.Builder
				for _, l := range test.lines {
					say.WriteString(cmd(l.say))
					reply.WriteString(l.reply)
				}
				c.send(say.String())
				c.want(reply.String())
			})
		})
	}
}

func TestQuit(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		c.send(cmd("SET k v") + cmd("QUIT") + cmd("SET k w"))
		c.want("+OK\r\n+OK\r\n")
		c.ended()
		w.dial(node1).do("GET k", "$1\r\nv\r\n")
	})
}

// Bytes that make no sense are answered and end the connection, behind the
// replies to what made sense.
func TestProtocolError(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		c.send("PING\r\n*1\r\n:1\r\n")
		c.want("+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n")
		c.ended()
	})
}

// What an opt-in missed comes right behind its +OK, before the replies to what
// the client sent in the same write.
func TestMissedFollowsOK(t *testing.T) {
	inWorld(t, Config{Support: Support{RepeatOpeners: true}}, func(w *world) {
		end := w.play(time.Hour,
			notifyAt(0, notice.FailingOver, 2, "21"),
			notifyAt(time.Second, notice.FailedOver, 0, "21"),
			notifyAt(2*time.Second, notice.Migrating, 2, "27"),
			at(2*time.Second, upgrade.Listen, upgrade.New),
			movingAt(3*time.Second, 15),
		)
		after(5 * time.Second)
		c := w.dial(node1)
		c.send(cmd("HELLO 3") + cmd("client maint_notifications on moving-endpoint-type internal-ip") +
			cmd("CLIENT SETINFO lib-name x") + cmd("PING"))
		c.want(hello3 + "+OK\r\n" +
			">3\r\n$11\r\nFAILED_OVER\r\n:1\r\n$6\r\n[\"21\"]\r\n" +
			">4\r\n$9\r\nMIGRATING\r\n:2\r\n:-1\r\n$6\r\n[\"27\"]\r\n" +
			moving("3", "13", "$15\r\n127.0.0.3:12000\r\n") +
			"+OK\r\n+PONG\r\n")
		end()
	})
}

// Opening and completion of shard events reach everyone, on every node, in the
// captured bytes.
func TestShardNotices(t *testing.T) {
	inWorld(t, Config{Support: Support{FirstSeq: 7}}, func(w *world) {
		first := w.optedIn(node1, "internal-ip")
		end := w.play(20*time.Second,
			at(0, upgrade.Listen, upgrade.New),
			notifyAt(time.Second, notice.Migrating, 2, "27"),
			notifyAt(13300*time.Millisecond, notice.Migrated, 0, "27"),
		)
		second := w.optedIn(node2, "none")
		end()
		for _, c := range []*peer{first, second} {
			c.want(">4\r\n$9\r\nMIGRATING\r\n:7\r\n:2\r\n$6\r\n[\"27\"]\r\n>3\r\n$8\r\nMIGRATED\r\n:8\r\n$6\r\n[\"27\"]\r\n")
			c.do("PING", "+PONG\r\n")
		}
		late := w.dial(node1)
		late.send(cmd("HELLO 3"))
		late.replies.Next()
		late.do("CLIENT MAINT_NOTIFICATIONS ON", "+OK\r\n>3\r\n$8\r\nMIGRATED\r\n:8\r\n$6\r\n[\"27\"]\r\n")
	})
}
