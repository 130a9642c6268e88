package handoff

import (
	"cmp"
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/go-redis/v9/push"

	"schload/handoff/notice"
	"schload/telemetry/mark"
)

// listen counts and marks every maintenance push the client reads. A client
// with handoffs has a manager that shows them before it acts; one without
// drops them, so handlers of ours take them. (A server sends nothing to a
// connection that did not opt in; if it does all the same, it is on record.)
// It must be called before the client's first connection: on a cluster, for
// the client of each node when the library makes it.
func (o *observer) listen(client *redis.Client) error {
	if manager := client.GetMaintNotificationsManager(); manager != nil {
		manager.AddNotificationHook(noticeHook{o})
		return nil
	}
	if client.Options().Protocol != 3 {
		return nil // RESP2 has no pushes
	}
	if client.Options().MaintNotificationsConfig.Mode != maintnotifications.ModeDisabled {
		return errors.New("the library made a client that was to have handoffs without them")
	}
	for kind := range notice.Kinds {
		if err := client.RegisterPushNotificationHandler(notice.Kind(kind).String(), noticeHandler{o}, false); err != nil {
			return err
		}
	}
	return nil
}

type noticeHook struct{ o *observer }

func (h noticeHook) PreHook(_ context.Context, from push.NotificationHandlerContext, _ string, values []any) ([]any, bool) {
	h.o.noticed(from.Conn, values)
	return values, true
}

func (h noticeHook) PostHook(_ context.Context, from push.NotificationHandlerContext, kind string, _ []any, _ error) {
	if p, c := recordOf(from.Conn); c != nil {
		h.o.relaxed.check(p, c, kind)
	}
}

type noticeHandler struct{ o *observer }

func (h noticeHandler) HandlePushNotification(_ context.Context, from push.NotificationHandlerContext, values []any) error {
	h.o.noticed(from.Conn, values)
	return nil
}

// noticed records one push read on one connection.
func (o *observer) noticed(conn any, values []any) {
	now := o.now()
	p, c := recordOf(conn)
	if c == nil {
		return
	}
	m := mark.Mark{At: now, Kind: mark.Notice, Conn: c.number, Node: c.node}
	n, err := notice.FromValues(values)
	late := c.over()
	o.mu.Lock()
	if err != nil {
		o.notices.Unreadable++
		m.Name, m.Detail = "unreadable", err.Error()
	} else {
		o.notices.Kinds[n.Kind]++
		o.notifiedBy(n.Kind, c.node)
		m.Name, m.Seq, m.Detail, m.Duration = n.Kind.String(), &n.Seq, n.String(), max(0, n.Time)
		if !late {
			o.covered(c, n, now)
		}
		if n.Kind == notice.Moving {
			c.told = c.told || !late
			c.moving.Store(true)
			o.announceLeaving(c, n, now)
			if !p.IsPubSub() { // nobody would tell when that is over
				o.remember(p).moving = now
			}
			o.lastMoving.Store(int64(now))
		}
	}
	o.mu.Unlock()
	o.marks.put(m)
}

// Compare orders by kind and node.
func (n Notified) Compare(o Notified) int {
	return cmp.Or(cmp.Compare(n.Kind, o.Kind), cmp.Compare(n.Node, o.Node))
}

// notifiedBy counts a notice by the node it came from; o.mu is held.
func (o *observer) notifiedBy(kind notice.Kind, node string) {
	if !o.notifiers[node] {
		if len(o.notifiers) >= maxNodes {
			node = otherNode
		} else {
			o.notifiers[node] = true
		}
	}
	o.notices.From[Notified{kind, node}]++
}
