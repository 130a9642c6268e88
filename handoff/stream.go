package handoff

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

const (
	// group is the one of a stream's consumers.
	group = "schload"
	// page is how many entries are read at once.
	page = 100
	// trimming is how often a stream is trimmed, and reviewing how often a
	// consumer asks for what it has not confirmed: the library hides when it
	// repeats a command whose reply, with entries, was lost.
	trimming  = time.Second
	reviewing = 5 * time.Second
)

// payloadOf returns an entry's message.
func payloadOf(e redis.XMessage) string {
	text, _ := e.Values[workload.MessageField].(string)
	return text
}

// trim is what may be removed from a stream: nothing that a receiver has not
// got.
type trim struct {
	mu   sync.Mutex
	got  map[int]string // the last id of each receiver
	next time.Time
}

// note takes a receiver's last id and returns the id before which nothing is
// needed any more; empty when it is not yet time to trim, or a receiver has
// got nothing.
func (t *trim) note(receiver, receivers int, id string, least bool) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got == nil {
		t.got = make(map[int]string)
	}
	t.got[receiver] = id
	if time.Now().Before(t.next) || least && len(t.got) < receivers {
		return ""
	}
	t.next = time.Now().Add(trimming)
	edge := id
	for _, other := range t.got {
		if order := compareIDs(other, edge); least && order < 0 || !least && order > 0 {
			edge = other
		}
	}
	return edge
}

// compareIDs orders ids of entries, 1732545-0.
func compareIDs(a, b string) int {
	at1, n1 := splitID(a)
	at2, n2 := splitID(b)
	return cmp.Or(cmp.Compare(at1, at2), cmp.Compare(n1, n2))
}

func splitID(id string) (at, n uint64) {
	first, second, _ := strings.Cut(id, "-")
	at, _ = strconv.ParseUint(first, 10, 64)
	n, _ = strconv.ParseUint(second, 10, 64)
	return at, n
}

// reader follows a stream by the last id it has got.
type reader struct {
	post
	last string
}

func (r *reader) work(ctx context.Context) {
	for r.goesOn(ctx) {
		var streams []redis.XStream
		if !r.wait(ctx, "xread", func(ctx context.Context) (err error) {
			streams, err = r.client.redis.XRead(ctx, &redis.XReadArgs{Streams: []string{r.name(), r.last}, Count: page, Block: r.Block}).Result()
			return err
		}) {
			continue
		}
		for _, e := range streams[0].Messages {
			r.last = e.ID
			if payloadOf(e) == lastWord {
				return
			}
			r.Listener.Heard(r.key, r.receiver, payloadOf(e), false)
		}
		if id := r.trims[r.key].note(r.receiver, r.Receivers.Receivers, r.last, true); id != "" {
			r.client.redis.XTrimMinIDApprox(ctx, r.name(), id, 0)
		}
	}
}

// consumer takes its share of a stream and confirms it. What it has not
// confirmed it asks for after every failure, and now and then.
type consumer struct {
	post
	review time.Time // when it will ask
	ended  bool
}

func (c *consumer) work(ctx context.Context) {
	c.review = time.Now().Add(reviewing)
	for c.goesOn(ctx) && !c.ended {
		if !c.take(ctx, ">") || time.Now().After(c.review) {
			for c.goesOn(ctx) && !c.ended && c.take(ctx, "0") {
			}
			c.review = time.Now().Add(reviewing)
		}
	}
}

// take reads entries that are new (">") or not confirmed ("0"), confirms them,
// and reports whether there were any and all went well.
func (c *consumer) take(ctx context.Context, from string) bool {
	args := &redis.XReadGroupArgs{Group: group, Consumer: "consumer-" + strconv.Itoa(c.receiver), Streams: []string{c.name(), from}, Count: page, Block: c.Block}
	if from == "0" {
		args.Block = -1 // what is not confirmed is there or is not
	}
	var streams []redis.XStream
	if !c.wait(ctx, "xreadgroup", func(ctx context.Context) (err error) {
		streams, err = c.client.redis.XReadGroup(ctx, args).Result()
		return err
	}) || len(streams) == 0 || len(streams[0].Messages) == 0 {
		return false
	}
	ids := make([]string, len(streams[0].Messages))
	for i, e := range streams[0].Messages {
		ids[i] = e.ID
		if payloadOf(e) == lastWord {
			c.ended = true
			continue
		}
		c.Listener.Heard(c.key, c.receiver, payloadOf(e), from == "0")
	}
	return c.confirm(ctx, ids)
}

func (c *consumer) confirm(ctx context.Context, ids []string) bool {
	if !c.wait(ctx, "xack", func(ctx context.Context) error {
		return c.client.redis.XAck(ctx, c.name(), group, ids...).Err()
	}) {
		return false
	}
	if id := c.trims[c.key].note(c.receiver, c.Receivers.Receivers, ids[len(ids)-1], false); id != "" {
		c.trimTo(ctx, id)
	}
	return true
}

// trimTo removes what is confirmed. When nothing is pending, all up to the
// newest entry that a consumer got is.
func (c *consumer) trimTo(ctx context.Context, id string) {
	pending, err := c.client.redis.XPending(ctx, c.name(), group).Result()
	if err != nil {
		return
	}
	if pending.Count > 0 && compareIDs(pending.Lower, id) < 0 {
		id = pending.Lower
	}
	c.client.redis.XTrimMinIDApprox(ctx, c.name(), id, 0)
}
