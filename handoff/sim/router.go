package sim

// router decides which shard a command goes to, for one connection of a
// database with several shards. It is pure: it sees commands and nothing else.
//
// Transactions live on one shard, that of their first key. Since MULTI comes
// before any key it is answered by the proxy and sent when the shard is known.
type router struct {
	shards  int
	inMulti bool
	opened  bool // the shard knows of the transaction
	spoiled bool // a command was refused: EXEC must be too
	pin     int  // the shard of WATCH and MULTI; nowhere
}

const nowhere = -1

func newRouter(shards int) router { return router{shards: shards, pin: nowhere} }

// route is where one command goes.
type route struct {
	shard  int    // nowhere: the proxy answers with local
	before string // a command to be sent to the shard first, its reply swallowed: MULTI or DISCARD
	after  bool   // only before is sent; the proxy answers
	local  string // the proxy's answer, a whole reply
}

const (
	replyOK        = "+OK\r\n"
	replyEmpty     = "*0\r\n"
	replyCrossSlot = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
	replyNested    = "-ERR MULTI calls can not be nested\r\n"
	replyNoMulti   = "-ERR EXEC without MULTI\r\n"
	replyNoDiscard = "-ERR DISCARD without MULTI\r\n"
	replyNoWatch   = "-ERR WATCH inside MULTI is not allowed\r\n"
	replyAborted   = "-EXECABORT Transaction discarded because of previous errors.\r\n"
	replyDatabase  = "-ERR DB index is out of range\r\n"
)

func here(reply string) route { return route{shard: nowhere, local: reply} }

func (r *router) route(args [][]byte, cmd command) route {
	if r.shards == 1 {
		return route{shard: 0}
	}
	switch cmd.kind {
	case cmdMulti:
		return r.multi()
	case cmdExec:
		return r.exec()
	case cmdDiscard:
		return r.discard()
	case cmdWatch:
		return r.watch(args, cmd)
	case cmdUnwatch:
		return r.unwatch()
	}
	if is(args[0], "select") && !r.inMulti {
		return selectDatabase(args)
	}
	shard, same := r.shardOf(args, cmd)
	if !same {
		return r.cross()
	}
	if !r.inMulti {
		return route{shard: max(shard, 0)}
	}
	return r.queue(shard)
}

// shardOf is the shard of all keys, nowhere without keys.
func (r *router) shardOf(args [][]byte, cmd command) (shard int, same bool) {
	shard, same = nowhere, true
	cmd.keys.each(args, func(key []byte) bool {
		of := shardOf(slotOf(key), r.shards)
		same = shard == nowhere || shard == of
		shard = of
		return same
	})
	return shard, same
}

func (r *router) cross() route {
	r.spoiled = r.inMulti
	return here(replyCrossSlot)
}

// queue sends a command of a transaction; the first one takes MULTI along.
func (r *router) queue(shard int) route {
	if shard == nowhere {
		shard = max(r.pin, 0)
	}
	if r.pin == nowhere {
		r.pin = shard
	}
	if shard != r.pin {
		return r.cross()
	}
	if r.opened {
		return route{shard: shard}
	}
	r.opened = true
	return route{shard: shard, before: "MULTI"}
}

func (r *router) multi() route {
	if r.inMulti {
		return here(replyNested)
	}
	r.inMulti = true
	return here(replyOK)
}

// exec needs a shard that watched keys even when no command was queued: the
// watch ends with it.
func (r *router) exec() route {
	pin, opened, spoiled, in := r.pin, r.opened, r.spoiled, r.inMulti
	if !in {
		return here(replyNoMulti)
	}
	*r = newRouter(r.shards)
	switch {
	case spoiled && opened:
		return route{shard: pin, before: "DISCARD", after: true, local: replyAborted}
	case spoiled && pin != nowhere:
		return route{shard: pin, before: "UNWATCH", after: true, local: replyAborted}
	case spoiled:
		return here(replyAborted)
	case opened:
		return route{shard: pin}
	case pin != nowhere:
		return route{shard: pin, before: "MULTI"}
	}
	return here(replyEmpty)
}

func (r *router) discard() route {
	pin, opened, in := r.pin, r.opened, r.inMulti
	if !in {
		return here(replyNoDiscard)
	}
	*r = newRouter(r.shards)
	switch {
	case opened:
		return route{shard: pin}
	case pin != nowhere:
		return route{shard: pin, before: "UNWATCH", after: true, local: replyOK}
	}
	return here(replyOK)
}

func (r *router) watch(args [][]byte, cmd command) route {
	if r.inMulti {
		return here(replyNoWatch)
	}
	shard, same := r.shardOf(args, cmd)
	if !same || shard != nowhere && r.pin != nowhere && r.pin != shard {
		return here(replyCrossSlot)
	}
	if shard != nowhere {
		r.pin = shard
	}
	return route{shard: max(shard, 0)}
}

func (r *router) unwatch() route {
	if r.inMulti {
		return r.queue(nowhere)
	}
	pin := r.pin
	r.pin = nowhere
	if pin == nowhere {
		return here(replyOK)
	}
	return route{shard: pin}
}

// selectDatabase knows database 0 only, as sharded databases do.
func selectDatabase(args [][]byte) route {
	switch {
	case len(args) != 2:
		return here(string(wrongNumber("select")))
	case string(args[1]) == "0":
		return here(replyOK)
	}
	return here(replyDatabase)
}
