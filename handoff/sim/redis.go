package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"schload/handoff/sim/resp"
)

// shardTimeout bounds dialling a shard and its handshake.
const shardTimeout = 5 * time.Second

// redisShards are real Redis servers. Each client connection has connections
// of its own to the shards it needs: what a connection's state is to Redis,
// transactions, subscriptions, blocking, stays what it is.
type redisShards struct {
	targets []target
	redis   string // the first shard's version
	dial    dialFunc
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// target is one shard's address.
type target struct {
	url                string // without the password
	address            string
	username, password string
}

func parseTargets(urls []string) ([]target, error) {
	var targets []target
	var errs []error
	for _, raw := range urls {
		t, err := parseTarget(raw)
		targets = append(targets, t)
		errs = append(errs, err)
	}
	return targets, errors.Join(errs...)
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, fmt.Errorf("shard: want a URL such as redis://127.0.0.1:6379: %w", errors.Unwrap(err))
	}
	fault := func(what string) (target, error) {
		return target{}, fmt.Errorf("shard %s: %s: want a URL such as redis://user:password@127.0.0.1:6379", u.Redacted(), what)
	}
	switch {
	case u.Scheme != "redis":
		return fault(fmt.Sprintf("scheme %q is not served", u.Scheme))
	case u.Hostname() == "":
		return fault("has no host")
	case u.Path != "" && u.Path != "/" && u.Path != "/0":
		return fault(fmt.Sprintf("database %q is not served, only 0", strings.TrimPrefix(u.Path, "/")))
	}
	t := target{url: u.Redacted(), address: u.Host, username: u.User.Username()}
	t.password, _ = u.User.Password()
	if u.Port() == "" {
		t.address = net.JoinHostPort(u.Hostname(), "6379")
	}
	return t, nil
}

// newRedisShards asks every shard for a sign of life.
func newRedisShards(ctx context.Context, urls []string, dial dialFunc) (*redisShards, error) {
	targets, err := parseTargets(urls)
	if err != nil {
		return nil, err
	}
	r := &redisShards{targets: targets, dial: dial}
	var errs []error
	for i := range targets {
		version, err := r.probe(ctx, i)
		if i == 0 {
			r.redis = version
		}
		errs = append(errs, err)
	}
	return r, errors.Join(errs...)
}

func (r *redisShards) count() int      { return len(r.targets) }
func (r *redisShards) version() string { return r.redis }
func (r *redisShards) close()          {}
func (r *redisShards) keep(int)        {}

// lose cannot: what is acknowledged is in the servers, which lose what they
// like.
func (r *redisShards) lose(int) (int, bool) { return 0, false }

func (r *redisShards) open(c *conn) store {
	s := &redisStore{redisShards: r, conn: c}
	s.begin()
	return s
}

// probe returns the version that a shard says it has.
func (r *redisShards) probe(ctx context.Context, shard int) (string, error) {
	conn, replies, err := r.connect(ctx, shard, 2)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(shardTimeout))
	greeting, err := exchange(conn, replies, "HELLO", "3")
	if err != nil {
		return "", r.fault(shard, err)
	}
	return versionIn(greeting), nil
}

// versionIn finds the version in a reply to HELLO.
func versionIn(greeting []byte) string {
	_, rest, _ := bytes.Cut(greeting, []byte("\r\nversion\r\n$"))
	_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
	version, _, found := bytes.Cut(rest, []byte("\r\n"))
	if !found {
		return memoryVersion
	}
	return string(version)
}

// connect dials a shard and logs in. The connection has no deadline after it.
func (r *redisShards) connect(ctx context.Context, shard, protocol int) (net.Conn, *resp.Replies, error) {
	ctx, cancel := context.WithTimeout(ctx, shardTimeout)
	defer cancel()
	conn, err := r.dial(ctx, "tcp", r.targets[shard].address)
	if err != nil {
		return nil, nil, r.fault(shard, fmt.Errorf("%w: is a Redis server running there?", err))
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past) })
	replies := resp.NewReplies(conn)
	err = r.login(conn, replies, shard, protocol)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, nil, r.fault(shard, err)
	}
	return conn, replies, nil
}

func (r *redisShards) login(conn net.Conn, replies *resp.Replies, shard, protocol int) error {
	if t := r.targets[shard]; t.password != "" {
		args := []string{"AUTH", t.password}
		if t.username != "" {
			args = []string{"AUTH", t.username, t.password}
		}
		if _, err := exchange(conn, replies, args...); err != nil {
			return fmt.Errorf("%w: check the user and the password of its URL", err)
		}
	}
	if protocol == 3 {
		_, err := exchange(conn, replies, "HELLO", "3")
		return err
	}
	return nil
}

func (r *redisShards) fault(shard int, err error) error {
	return fmt.Errorf("shard %d of %d, %s: %w", shard+1, len(r.targets), r.targets[shard].url, err)
}

// exchange sends one command and waits for its reply; an error reply is an
// error.
func exchange(conn net.Conn, replies *resp.Replies, args ...string) ([]byte, error) {
	if _, err := conn.Write(resp.AppendRequest(nil, args...)); err != nil {
		return nil, err
	}
	reply, err := replies.Next()
	if err == nil && resp.IsError(reply) {
		err = fmt.Errorf("%s: %s", args[0], strings.TrimSpace(string(reply[1:])))
	}
	return reply, err
}
