package sim

import (
	"fmt"
	"strings"
	"time"

	"schload/handoff/sim/resp"
)

const (
	syntaxError    = "ERR syntax error"
	resp2Error     = "ERR maintenance notifications need RESP3"
	argumentsError = "ERR wrong number of arguments for 'client|maint_notifications' command"
)

// answer replies to CLIENT MAINT_NOTIFICATIONS. Windows that are open and the
// retained completion follow the +OK in the same write, as captured.
func (c *core) answer(now time.Duration, e asked) []effect {
	conn := c.conn(e.conn)
	if conn == nil {
		return []effect{reply{e.conn, nil}} // closed meanwhile: nobody reads it
	}
	on, endpoint, refusal := c.judge(conn, e.args)
	if refusal != "" {
		return []effect{reply{e.conn, resp.AppendError(nil, refusal)}}
	}
	conn.optedIn, conn.endpoint = on, endpoint
	data := resp.AppendStatus(nil, "OK")
	if on {
		data = c.missed(now, conn, data)
	}
	return []effect{reply{e.conn, data}}
}

// judge decides on a request. An unsupporting server does not even look at the
// arguments and echoes the client's own letter case.
func (c *core) judge(conn *coreConn, args []string) (on bool, endpoint endpointType, refusal string) {
	if c.support.unsupportedOn(conn.node) {
		return false, 0, fmt.Sprintf("ERR unknown subcommand '%.128s'. Try CLIENT HELP.", args[0])
	}
	if c.support.Disabled {
		text := c.support.DisabledError
		if text == "" {
			text = defaultDisabledError
		}
		return false, 0, text
	}
	if len(args) < 2 {
		return false, 0, argumentsError
	}
	on, endpoint, ok := parseOptIn(args[1:])
	switch {
	case !ok || c.refuses(endpoint, len(args)):
		return false, 0, syntaxError
	case on && conn.protocol != 3 && c.support.RefuseRESP2:
		return false, 0, resp2Error
	}
	return on, endpoint, ""
}

// refuses reports whether the configuration refuses a type that was sent; a
// bare ON sent none.
func (c *core) refuses(endpoint endpointType, args int) bool {
	if args <= 2 {
		return false
	}
	for _, name := range c.support.RefuseTypes {
		if refused, ok := parseEndpointType(name); ok && refused == endpoint {
			return true
		}
	}
	return false
}

// parseOptIn reads ON [moving-endpoint-type T], or OFF.
func parseOptIn(args []string) (on bool, endpoint endpointType, ok bool) {
	on = strings.EqualFold(args[0], "on")
	switch {
	case !on && !strings.EqualFold(args[0], "off"):
		return false, 0, false
	case len(args) == 1:
		return on, noEndpoint, true
	case !on || len(args) != 3 || !strings.EqualFold(args[1], "moving-endpoint-type"):
		return false, 0, false
	}
	endpoint, ok = parseEndpointType(args[2])
	return on, endpoint, ok
}
