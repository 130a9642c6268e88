package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"schload/handoff/sim/resp"
)

// What Redis says, word for word.
const (
	noAuthHello     = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	wrongPassword   = "WRONGPASS invalid username-password pair or user is disabled."
	noPassword      = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	badVersion      = "ERR Protocol version is not an integer or out of range"
	noProtocol      = "NOPROTO unsupported protocol version"
	badName         = "ERR Client names cannot contain spaces, newlines or special characters."
	subscribedHello = "ERR Can't execute 'hello': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
	notInMulti      = "ERR Command not allowed inside a transaction"
)

var ok = resp.AppendStatus(nil, "OK")

// answer replies to the commands that belong to the proxy. The rest it leaves,
// and within a transaction all but those it must not let through.
func (c *conn) answer(args [][]byte, cmd command) (answered bool, err error) {
	switch cmd.kind {
	case cmdHello, cmdAuth:
		if c.inMulti {
			return true, c.say(resp.AppendError(nil, notInMulti))
		}
		if cmd.kind == cmdHello {
			return true, c.hello(args)
		}
		return true, c.auth(args)
	case cmdQuit:
		return true, c.quit()
	case cmdReset:
		return true, c.reset()
	case cmdClient:
		return c.client(args)
	}
	return false, nil
}

func (c *conn) quit() error {
	if err := c.say(ok); err != nil {
		return err
	}
	c.out.flush()
	return errEnd
}

func (c *conn) reset() error {
	if err := c.store.settle(); err != nil {
		return err
	}
	if c.guard != nil {
		c.guard.reset()
	}
	c.protocol, c.name, c.inMulti, c.authed = 2, "", false, c.sim.config.Password == ""
	if err := c.store.reset(2); err != nil {
		return err
	}
	c.sim.director.tell(started{c.id})
	return c.say(resp.AppendStatus(nil, "RESET"))
}

func (c *conn) auth(args [][]byte) error {
	user, password := "default", ""
	switch len(args) {
	case 2:
		password = string(args[1])
		if c.sim.config.Password == "" {
			return c.say(resp.AppendError(nil, noPassword))
		}
	case 3:
		user, password = string(args[1]), string(args[2])
	default:
		return c.say(wrongNumber("auth"))
	}
	if !c.login(user, password) {
		return c.say(resp.AppendError(nil, wrongPassword))
	}
	return c.say(ok)
}

// login accepts any password when none is configured, as Redis does for a
// user without one.
func (c *conn) login(user, password string) bool {
	if user != c.sim.config.Username || c.sim.config.Password != "" && password != c.sim.config.Password {
		return false
	}
	c.authed = true
	return true
}

// hello: HELLO [version [AUTH user password] [SETNAME name]]
func (c *conn) hello(args [][]byte) error {
	protocol, name, refusal := c.greet(args[1:])
	if refusal != "" {
		return c.say(resp.AppendError(nil, refusal))
	}
	if err := c.store.settle(); err != nil {
		return err
	}
	if protocol != c.protocol {
		switch err := c.speak(protocol); {
		case err == errSubscribed:
			return c.say(resp.AppendError(nil, subscribedHello))
		case err != nil:
			return err
		}
		c.protocol = protocol
		c.sim.director.tell(spoke{c.id, protocol})
	}
	if name != nil {
		c.name = string(name)
	}
	return c.say(c.greeting())
}

// speak makes later replies and messages RESP2 or RESP3.
func (c *conn) speak(protocol int) error {
	if c.guard != nil {
		if err := c.guard.speak(protocol); err != nil {
			return err
		}
	}
	return c.store.speak(protocol)
}

// greet checks everything before anything changes, but the login.
func (c *conn) greet(args [][]byte) (protocol int, name []byte, refusal string) {
	protocol = c.protocol
	if len(args) > 0 {
		version, err := strconv.Atoi(string(args[0]))
		switch {
		case err != nil:
			return 0, nil, badVersion
		case version != 2 && version != 3:
			return 0, nil, noProtocol
		}
		protocol, args = version, args[1:]
	}
	for len(args) > 0 {
		switch option := args[0]; {
		case is(option, "auth") && len(args) >= 3:
			if !c.login(string(args[1]), string(args[2])) {
				return 0, nil, wrongPassword
			}
			args = args[3:]
		case is(option, "setname") && len(args) >= 2:
			if !validName(args[1]) {
				return 0, nil, badName
			}
			name, args = args[1], args[2:]
		default:
			return 0, nil, fmt.Sprintf("ERR Syntax error in HELLO option '%.128s'", option)
		}
	}
	if !c.authed {
		return 0, nil, noAuthHello
	}
	return protocol, name, ""
}

// greeting is the reply to HELLO.
func (c *conn) greeting() []byte {
	b := resp.AppendMap(nil, c.protocol, 7)
	for _, pair := range [...][2]string{{"server", "redis"}, {"version", c.sim.shards.version()}} {
		b = resp.AppendBulk(b, pair[0])
		b = resp.AppendBulk(b, pair[1])
	}
	b = resp.AppendInt(resp.AppendBulk(b, "proto"), int64(c.protocol))
	b = resp.AppendInt(resp.AppendBulk(b, "id"), int64(c.id))
	mode := "standalone"
	if c.sim.config.OSSCluster {
		mode = "cluster"
	}
	b = resp.AppendBulk(resp.AppendBulk(b, "mode"), mode)
	b = resp.AppendBulk(resp.AppendBulk(b, "role"), "master")
	return resp.AppendArray(resp.AppendBulk(b, "modules"), 0)
}

// client answers the subcommands that concern the client's own connection.
func (c *conn) client(args [][]byte) (answered bool, err error) {
	if len(args) < 2 {
		return false, nil
	}
	switch sub := args[1]; {
	case is(sub, "maint_notifications"):
		if c.inMulti {
			return true, c.say(resp.AppendError(nil, notInMulti))
		}
		return true, c.optIn(args[1:])
	case c.inMulti:
		return false, nil // queued by the shard, and harmless there
	case is(sub, "id") && len(args) == 2:
		return true, c.say(resp.AppendInt(nil, int64(c.id)))
	case is(sub, "getname") && len(args) == 2:
		return true, c.say(c.ownName())
	case is(sub, "setname") && len(args) == 3:
		return true, c.say(c.setName(args[2]))
	case is(sub, "setinfo") && len(args) == 4:
		return true, c.say(setInfo(args[2], args[3]))
	case is(sub, "reply"):
		return true, c.say(silence(args))
	}
	return false, nil
}

// optIn leaves the decision to the core, whose answer the director puts into
// the outbox together with what the connection missed.
func (c *conn) optIn(args [][]byte) error {
	if err := c.store.settle(); err != nil {
		return err
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg)
	}
	return c.sim.director.ask(c, asked{c.id, words})
}

func (c *conn) ownName() []byte {
	if c.name == "" {
		return resp.AppendNull(nil, c.protocol)
	}
	return resp.AppendBulk(nil, c.name)
}

func (c *conn) setName(name []byte) []byte {
	if !validName(name) {
		return resp.AppendError(nil, badName)
	}
	c.name = string(name)
	return ok
}

// setInfo accepts what libraries say about themselves and forgets it.
func setInfo(attribute, value []byte) []byte {
	if !is(attribute, "lib-name") && !is(attribute, "lib-ver") {
		return resp.AppendError(nil, fmt.Sprintf("ERR Unrecognized option '%.128s'", attribute))
	}
	if !validName(value) {
		return resp.AppendError(nil, fmt.Sprintf("ERR %s cannot contain spaces, newlines or special characters.", strings.ToLower(string(attribute))))
	}
	return ok
}

// silence refuses to stop replying: the proxy counts replies to keep them in
// order.
func silence(args [][]byte) []byte {
	if len(args) == 3 && is(args[2], "on") {
		return ok
	}
	return resp.AppendError(nil, "ERR the simulator always replies: CLIENT REPLY knows ON only")
}

func wrongNumber(name string) []byte {
	return resp.AppendError(nil, "ERR wrong number of arguments for '"+name+"' command")
}

// validName is Redis' rule: printable, no spaces.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// is compares a word of the protocol in any letter case.
func is(word []byte, want string) bool {
	return len(word) == len(want) && bytes.EqualFold(word, []byte(want))
}
