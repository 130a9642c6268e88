package handoff

// TellConnections has outcomes name the connection that an operation used last,
// as far as the library tells it: of an arm without a library, and of pipelines
// over a cluster, none is told. Numbers go on from those of clients that the
// arm had before. It is called before the first Do.
func (c *Client) TellConnections(before uint64) { c.tells, c.before = true, uint32(before) }

// number is that of the flight's connection, 0 for none.
func (f *flight) number() uint32 {
	if _, conn := recordOf(f.conn); conn != nil {
		return uint32(conn.number)
	}
	return 0
}

// Connection returns the record of a connection by its number, as long as it is
// remembered: while it is open, and for the last of those that were closed.
func (c *Client) Connection(number uint64) (Connection, bool) {
	o := c.o
	o.mu.Lock()
	open := o.live[number]
	if open == nil {
		defer o.mu.Unlock()
		for i := range o.closed {
			if o.closed[i].Number == number {
				return o.closed[i], true
			}
		}
		return Connection{}, false
	}
	o.mu.Unlock()
	return open.snapshot(), true
}
