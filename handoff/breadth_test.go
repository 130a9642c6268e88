package handoff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// breadth answers, as well as a server that keeps strings can, the commands of
// which the reply is more than a number. c.srv.mu is held.
func (c *served) breadth(args []string) (reply string, ok bool) {
	s := c.srv
	switch strings.ToLower(args[0]) {
	case "watch", "mset", "setex", "ltrim":
		for i := 1; args[0] == "mset" && i < len(args); i += 2 {
			s.data[args[i]] = args[i+1]
		}
		return "+OK\r\n", true
	case "multi":
		c.queued = [][]string{}
		return "+OK\r\n", true
	case "getex":
		return c.element(args[1]), true
	case "getrange":
		return bulkReply(s.data[args[1]]), true
	case "mget":
		return "*2\r\n" + c.element(args[1]) + c.element(args[2]), true
	case "hmget":
		return "*2\r\n" + c.element(args[1]) + "_\r\n", true
	case "hgetall":
		if s.data[args[1]] == "" {
			return "%0\r\n", true
		}
		return "%1\r\n" + bulkReply("f") + bulkReply(s.data[args[1]]), true
	case "lrange", "zrange":
		if s.data[args[1]] == "" {
			return "*0\r\n", true
		}
		return "*1\r\n" + bulkReply(s.data[args[1]]), true
	case "zscore", "zincrby":
		return ",1\r\n", true
	case "xadd":
		return bulkReply("1700000000000-0"), true
	case "eval", "evalsha":
		return bulkReply(args[3] + "|1"), true
	}
	return "", false
}

// element is a key's value, nil if it has none.
func (c *served) element(key string) string {
	if value, ok := c.srv.data[key]; ok {
		return bulkReply(value)
	}
	return "_\r\n"
}

// queue takes the commands of a transaction, and runs them with EXEC.
func (c *served) queue(args []string) (reply string, ok bool) {
	switch {
	case c.queued == nil:
		return "", false
	case args[0] != "exec":
		c.queued = append(c.queued, args)
		return "+QUEUED\r\n", true
	}
	queued := c.queued
	c.queued = nil
	reply = "*" + string(rune('0'+len(queued))) + "\r\n"
	for _, args := range queued {
		reply += c.execute(args)
	}
	return reply, true
}

func keyed(name string) workload.Operation {
	return workload.Operation{Command: name, Key: "k", Value: []byte("k|v"),
		Keys: []string{"k", "k2"}, Values: [][]byte{[]byte("k|0.1|"), []byte("k2|0.1|")}}
}

// Of every further command: replies that are its own, in both protocols, and
// replies that cannot be, among them those of every other kind.
func TestFurtherReplies(t *testing.T) {
	ok, one, zero, three, null := "+OK\r\n", ":1\r\n", ":0\r\n", ":3\r\n", "$-1\r\n"
	own, other := bulkReply("k|0.1|"), bulkReply("k2|0.1|")
	group := "*2\r\n" + own + other
	for name, c := range map[string]struct{ right, wrong []string }{
		"MGET": {[]string{group, "*2\r\n" + null + other, "*2\r\n" + own + null, "*2\r\n_\r\n_\r\n"},
			[]string{"*2\r\n" + other + own, "*2\r\n" + own + bulkReply("k2|0.2|"), "*1\r\n" + own, "*3\r\n" + own + other + own, "*0\r\n", own, one, ok, null,
				"*2\r\n" + own + ":1\r\n"}},
		"MSET":  {[]string{ok}, []string{own, one, group, "*1\r\n" + ok, null}},
		"EVAL":  {[]string{bulkReply("k|1"), bulkReply("k|77")}, []string{bulkReply("k|0"), bulkReply("k2|1"), own, ok, one, group, null}},
		"SETEX": {[]string{ok}, []string{own, one, null, group}}, "LTRIM": {[]string{ok}, []string{own, one, null}},
		"GETEX":    {[]string{own, null}, []string{other, ok, one, group}},
		"TTL":      {[]string{":-2\r\n", ":-1\r\n", zero, three}, []string{":4\r\n", ":-3\r\n", ok, own, null, group}},
		"PTTL":     {[]string{":-2\r\n", ":-1\r\n", zero, ":3000\r\n"}, []string{":3001\r\n", ok, own, group}},
		"PERSIST":  {[]string{zero, one}, []string{":2\r\n", ok, own, null}},
		"GETRANGE": {[]string{own, bulkReply("")}, []string{other, bulkReply("k|" + strings.Repeat("x", workload.RangeBytes)), bulkReply("k"), ok, one, null}},
		"HMGET":    {[]string{"*2\r\n" + own + null, "*2\r\n" + null + null}, []string{"*2\r\n" + own + own, "*2\r\n" + other + null, "*1\r\n" + own, own, ok, null}},
		"HGETALL": {[]string{"%1\r\n" + bulkReply("f") + own, "*2\r\n" + bulkReply("f") + own, "%0\r\n", "*0\r\n"},
			[]string{"%1\r\n" + bulkReply("f") + other, "%1\r\n" + bulkReply("g") + own, "*1\r\n" + own, own, ok, null}},
		"LRANGE":    {[]string{"*0\r\n", "*2\r\n" + own + own}, []string{"*1\r\n" + other, "*11\r\n" + strings.Repeat(own, 11), own, ok, one, null, "*1\r\n:1\r\n"}},
		"ZRANGE":    {[]string{"*0\r\n", "*1\r\n" + own}, []string{"*1\r\n" + other, own, one}},
		"SREM":      {[]string{zero, one}, []string{three, ok, own}},
		"SISMEMBER": {[]string{zero, one}, []string{three, ok, own}},
		"ZINCRBY":   {[]string{",2\r\n", bulkReply("2")}, []string{",0\r\n", ",1.5\r\n", own, ok, null}},
		"ZSCORE":    {[]string{",1\r\n", bulkReply("17"), null}, []string{bulkReply("-1"), own, ok}},
		"XADD":      {[]string{bulkReply("1700000000000-3")}, []string{bulkReply("17"), own, ok, one, null}},
		"XLEN":      {[]string{zero, ":1012\r\n"}, []string{ok, own, group}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, arm := range []string{"off-noretry", "raw"} {
				if mustArm(t, arm).Executes(name) {
					synctest.Test(t, func(t *testing.T) { judgeReplies(t, arm, name, c.right, c.wrong) })
				}
			}
		})
	}
}

func mustArm(t *testing.T, name string) Arm {
	t.Helper()
	a, err := ParseArm(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func judgeReplies(t *testing.T, arm, name string, right, wrong []string) {
	w := newWorld(t)
	c := w.open(w.config(arm))
	answer := func(reply string) workload.Outcome {
		w.main.mu.Lock()
		w.main.hook = func(_ *served, args []string) (string, bool) { return reply, args[0] != "hello" }
		w.main.mu.Unlock()
		return do(t, c, keyed(name))[0]
	}
	for _, reply := range right {
		if out := answer(reply); out != (workload.Outcome{Attempts: 1}) {
			t.Errorf("%s: %q: %+v, want ok", arm, reply, out)
		}
	}
	for _, reply := range wrong {
		want := workload.Outcome{Class: workload.WrongReply, Effect: workload.NotApplied, Attempts: 1}
		if kinds[name].writes {
			want.Effect = workload.Indeterminate
		}
		if reply == "$-1\r\n" { // the library takes it for an error reply
			want.Class, want.Effect = workload.ServerError, workload.NotApplied
		}
		if out := answer(reply); out != want {
			t.Errorf("%s: %q: %+v, want %+v", arm, reply, out, want)
		}
	}
	if n := len(w.marked(mark.WrongReply)); n == 0 || n > len(wrong) {
		t.Errorf("%s: %d marks of %d wrong replies", arm, n, len(wrong))
	}
}

// scripted is a server that answers commands by their name, one text after the
// other, the last one again and again.
func (w *world) scripted(replies map[string][]string) {
	w.main.mu.Lock()
	defer w.main.mu.Unlock()
	w.main.hook = func(_ *served, args []string) (string, bool) {
		left := replies[args[0]]
		if len(left) == 0 {
			return "", false
		}
		if len(left) > 1 {
			replies[args[0]] = left[1:]
		}
		return left[0], true
	}
}

// A server that does not have the script is sent it, once; that is no retry.
func TestScriptIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off"))
		var sent []string
		w.main.mu.Lock()
		w.main.hook = func(_ *served, args []string) (string, bool) {
			sent = append(sent, args[0])
			if args[0] == "evalsha" && len(sent) == 1 {
				return "-NOSCRIPT No matching script. Please use EVAL.\r\n", true
			}
			return "", false
		}
		w.main.mu.Unlock()
		for range 2 {
			if out := do(t, c, keyed("EVAL"))[0]; out != (workload.Outcome{Attempts: 1}) {
				t.Errorf("%+v", out)
			}
		}
		if got := strings.Join(sent, " "); got != "evalsha eval evalsha" {
			t.Errorf("sent %s", got)
		}
		if s := c.Observe(); s.Retries != (Retries{}) {
			t.Errorf("retries %+v, want none", s.Retries)
		}
		sent = nil
		do(t, c, keyed("EVAL"), keyed("EVAL"))
		if got := strings.Join(sent, " "); got != "eval eval" {
			t.Errorf("a pipeline sent %s, want the whole script", got)
		}
	})
}

// How transactions end: never well when a part did not.
func TestTransactions(t *testing.T) {
	own, other := bulkReply("k|0.1|"), bulkReply("k2|0.1|")
	for name, c := range map[string]struct {
		replies map[string][]string
		want    workload.Outcome
	}{
		"nothing was there": {map[string][]string{"get": {"_\r\n"}}, workload.Outcome{Attempts: 1}},
		"a value was there": {map[string][]string{"get": {own}}, workload.Outcome{Attempts: 1}},
		"conflict":          {map[string][]string{"exec": {"_\r\n"}}, workload.Outcome{Class: workload.Conflict, Effect: workload.NotApplied, Attempts: 1}},
		"conflict, RESP2":   {map[string][]string{"exec": {"*-1\r\n"}}, workload.Outcome{Class: workload.Conflict, Effect: workload.NotApplied, Attempts: 1}},
		"aborted": {map[string][]string{"set": {"-READONLY You can't write against a read only replica.\r\n"}, "exec": {"-EXECABORT Transaction discarded because of previous errors.\r\n"}},
			workload.Outcome{Class: workload.ServerError, Effect: workload.NotApplied, Attempts: 1}},
		"refused WATCH":   {map[string][]string{"watch": {"-LOADING Redis is loading the dataset in memory\r\n"}}, workload.Outcome{Class: workload.Loading, Effect: workload.NotApplied, Attempts: 1}},
		"refused GET":     {map[string][]string{"get": {"-MASTERDOWN Link with MASTER is down\r\n"}}, workload.Outcome{Class: workload.Masterdown, Effect: workload.NotApplied, Attempts: 1}},
		"refused MULTI":   {map[string][]string{"multi": {"-ERR no\r\n"}, "set": {"+OK\r\n"}, "exec": {"-ERR EXEC without MULTI\r\n"}}, workload.Outcome{Class: workload.ServerError, Effect: workload.NotApplied, Attempts: 1}},
		"crossed GET":     {map[string][]string{"get": {other}}, workload.Outcome{Class: workload.WrongReply, Effect: workload.Indeterminate, Attempts: 1}},
		"wrong SET":       {map[string][]string{"exec": {"*1\r\n" + own}}, workload.Outcome{Class: workload.WrongReply, Effect: workload.Indeterminate, Attempts: 1}},
		"a list for GET":  {map[string][]string{"get": {"*1\r\n" + own}}, workload.Outcome{Class: workload.WrongReply, Effect: workload.NotApplied, Attempts: 1}},
		"no list of EXEC": {map[string][]string{"exec": {"+OK\r\n"}}, workload.Outcome{Class: workload.WrongReply, Effect: workload.Indeterminate, Attempts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c1 := w.open(w.config("off-noretry"))
				w.scripted(c.replies)
				if out := do(t, c1, keyed("MULTI"))[0]; out != c.want {
					t.Errorf("%+v, want %+v", out, c.want)
				}
				if s := c1.Observe(); s.Retries != (Retries{}) {
					t.Errorf("retries %+v, want none", s.Retries)
				}
			})
		})
	}
}

// A transaction whose connection ends before EXEC was sent has written nothing;
// after that nobody knows.
func TestTransactionsLost(t *testing.T) {
	for at, effect := range map[string]workload.Effect{"watch": workload.NotApplied, "get": workload.NotApplied, "exec": workload.Indeterminate} {
		for _, arm := range []string{"off-noretry", "off"} {
			t.Run(arm+" "+at, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					c := w.open(w.config(arm))
					lost := false
					w.main.mu.Lock()
					w.main.hook = func(s *served, args []string) (string, bool) {
						if args[0] != at || lost {
							return "", false
						}
						lost = true
						_ = s.Close()
						return "", true
					}
					w.main.mu.Unlock()
					out := do(t, c, keyed("MULTI"))[0]
					if arm == "off" && out.Class == workload.OK {
						if at != "watch" || out.Attempts != 2 {
							t.Errorf("%+v: only a WATCH can be tried again", out)
						}
						return
					}
					if out.Class != workload.EOF || out.Effect != effect {
						t.Errorf("%+v, want eof with effect %v", out, effect)
					}
				})
			})
		}
	}
}

func TestTransactionInPipelinePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a transaction went into a pipeline")
		}
	}()
	newTransaction(kinds["MULTI"], nil).queue(nil, nil)
}

// On a real server every command works, by itself and in a pipeline, in both
// protocols.
func TestCommandsOnRedis(t *testing.T) {
	addr := redisServer(t)
	for db, arm := range []string{"off", "off-resp2"} {
		c, err := Open(t.Context(), Config{Arm: mustArm(t, arm), Target: mustTarget(t, fmt.Sprintf("redis://%s/%d", addr, db)), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		load(t, c, workload.Pool{Name: "single", Mix: everything()})
		load(t, c, workload.Pool{Name: "pipeline", Mix: everything("MULTI"), Pipeline: 16})
	}
}

// everything is a mix of all commands but some.
func everything(but ...string) (m workload.Mix) {
	for _, name := range workload.Commands() {
		if !slices.Contains(but, name) {
			m = append(m, workload.Weight{Command: name, Weight: 1})
		}
	}
	return m
}

// load sends 3000 operations of a pool to a client, and wants all of them
// answered well at the first try.
func load(t *testing.T, c *Client, pool workload.Pool) {
	t.Helper()
	pool.Schedule.Arrival, pool.Keys.Space, pool.Workers, pool.Seed = workload.ClosedLoop, 3, 2, 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	target := &until{Client: c, cancel: cancel}
	target.left.Store(3000)
	tally, err := workload.Run{Base: time.Now(), Pool: pool, Target: target, Owner: c.Arm().Name}.Do(ctx)
	if err != nil || tally.OK < 3000 || tally.Failed > 0 || c.Observe().Retries != (Retries{}) {
		t.Errorf("%s, %s: %+v, %v, retries %+v, failed: %v", c.Arm().Name, pool.Name, tally, err, c.Observe().Retries, target.failed.Load())
	}
}

// until ends a run after some operations, and keeps one of those that failed.
type until struct {
	*Client
	left   atomic.Int64
	cancel context.CancelFunc
	failed atomic.Value
}

func (u *until) Fork() workload.Target { return u }

func (u *until) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	u.Client.Do(context.WithoutCancel(ctx), ops, outcomes)
	for i, out := range outcomes {
		if out.Class != workload.OK {
			u.failed.Store(fmt.Sprintf("%s %s: %+v; %v", ops[i].Command, ops[i].Key, out, u.Proof()))
		}
	}
	if u.left.Add(-int64(len(ops))) <= 0 {
		u.cancel()
	}
}
