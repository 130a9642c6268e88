package faultinjector

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/handoff/sim/control"
)

// command is one rladmin command line, taken apart.
type command struct {
	verb     string // of the table below
	database int    // 0: not said
	node     int    // what it starts from
	target   int
	shards   []int
	policy   string
	on       bool
}

// verbs are the commands that are known; each ends when its effects have
// happened.
var verbs = map[string]func(ctx context.Context, expect control.Expect, in *Injector, c command) error{
	"failover": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Failover(ctx, expect, c.database, c.shards...)
	},
	"migrate node": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.migrateNode(ctx, expect, c)
	},
	"bind policy": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Policy(ctx, expect, c.database, c.policy)
	},
	"bind include": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Include(ctx, expect, c.database, c.target)
	},
	"bind exclude": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Exclude(ctx, expect, c.database, c.target)
	},
	"restart": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Restart(ctx, expect, c.database)
	},
	"upgrade": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		return in.plane.Upgrade(ctx, expect, c.database)
	},
	"maintenance_mode": func(ctx context.Context, expect control.Expect, in *Injector, c command) error {
		if c.on {
			return in.plane.Enter(ctx, expect, c.node)
		}
		return in.plane.Leave(c.node)
	},
}

// migrateNode moves the shards on a node, of one database or of all that have
// any there.
func (in *Injector) migrateNode(ctx context.Context, expect control.Expect, c command) error {
	moved := false
	for _, d := range in.plane.Databases() {
		there := slices.ContainsFunc(d.Shards, func(s control.Shard) bool { return s.Node == c.node })
		if !there || c.database != 0 && d.ID != c.database {
			continue
		}
		if err := in.plane.Migrate(ctx, expect, d.ID, c.node, c.target); err != nil {
			return err
		}
		moved = true
	}
	if !moved {
		return fmt.Errorf("node %d: it has no shard to migrate", c.node)
	}
	return nil
}

// rladminAction runs a command for clients that wait for a job.
func rladminAction(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	id, _, err := p.number("bdb_id", "bdbId")
	if err != nil {
		return nil, err
	}
	text, err := in.execute(ctx, expect, p.text("rladmin_command"), id)
	if err != nil {
		return nil, err
	}
	return map[string]any{"output": text}, nil
}

// execute runs a command line and returns what rladmin prints.
func (in *Injector) execute(ctx context.Context, expect control.Expect, line string, database int) (string, error) {
	if isStatus(line) {
		return in.printStatus(), nil
	}
	c, err := in.parse(line, database)
	if err != nil {
		return "", err
	}
	if err := verbs[c.verb](ctx, expect, in, c); err != nil {
		return "", fmt.Errorf("rladmin %.200s: %w", line, err)
	}
	return "Finished.\n", nil
}

func isStatus(line string) bool {
	words := words(line)
	return len(words) > 0 && words[0] == "status"
}

// words takes a command line apart; rladmin and its option -b go.
func words(line string) []string {
	list := strings.Fields(line)
	if len(list) > 0 && list[0] == "rladmin" {
		list = list[1:]
	}
	if len(list) > 1 && list[0] == "-b" {
		list = list[2:]
	}
	return list
}

// parse reads a command. A database that was named apart is that of a command
// that names none.
func (in *Injector) parse(line string, database int) (command, error) {
	r := &reader{line: line, words: words(line)}
	c := command{database: database}
	switch verb := r.next(); verb {
	case "failover":
		c.verb = verb
		in.readObjects(r, &c)
	case "migrate":
		c.verb = "migrate node"
		in.readMigrate(r, &c)
	case "bind":
		in.readBind(r, &c)
	case "restart", "upgrade":
		c.verb = verb
		r.want("db")
		c.database = in.databaseOf(r.next())
		r.words = nil // versions and the like mean nothing here
	case "node":
		c.verb, c.node = "maintenance_mode", r.number("node")
		r.want("maintenance_mode")
		c.on = r.choice("on", "off") == "on"
		r.words = nil // options of snapshots and replicas mean nothing here
	default:
		r.fail("want status, failover, migrate, bind, restart db, upgrade db or node N maintenance_mode on|off")
	}
	if len(r.words) > 0 {
		r.fail("%.80q is too much", r.words[0])
	}
	if c.verb != "maintenance_mode" && c.verb != "migrate node" && c.database == 0 {
		r.fail("want an existing database: db:ID, an endpoint of it, shards of it, or bdb_id beside the command")
	}
	return c, r.err
}

// readObjects reads [db X] shard N...
func (in *Injector) readObjects(r *reader, c *command) {
	if r.at("db") {
		c.database = in.databaseOf(r.next())
	}
	r.want("shard")
	for len(r.words) > 0 && r.words[0] != "target_node" && r.words[0] != "immediate" && r.words[0] != "preserve_roles" {
		uid := number(strings.TrimPrefix(r.next(), "redis:"))
		if uid == 0 {
			r.fail("want numbers of shards")
			return
		}
		c.shards = append(c.shards, uid)
		if c.database == 0 {
			c.database = in.ownerOf(uid)
		}
	}
	r.at("immediate")
}

// readMigrate reads [db X] node S all_shards target_node T, or shard N... with
// its target: then everything on the shard's node moves.
func (in *Injector) readMigrate(r *reader, c *command) {
	if r.at("node") {
		c.node = r.number("node")
	} else {
		in.readObjects(r, c)
		if len(c.shards) > 0 {
			c.node = in.nodeOf(c.shards[0])
		}
	}
	if r.at("db") {
		c.database = in.databaseOf(r.next())
	}
	if !r.at("all_shards") {
		r.at("all_master_shards")
	}
	r.want("target_node")
	c.target = r.number("target_node")
	r.at("preserve_roles")
	r.at("override_policy")
}

// readBind reads [db X] endpoint E policy P, include N or exclude N.
func (in *Injector) readBind(r *reader, c *command) {
	if r.at("db") {
		c.database = in.databaseOf(r.next())
	}
	r.want("endpoint")
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(r.next(), "endpoint:"), ":")
	if id := in.databaseOf(endpoint); id != 0 {
		c.database = id
	}
	how := r.choice("policy", "include", "exclude")
	c.verb = "bind " + how
	if how == "policy" {
		c.policy = r.choice("single", "all-master-shards", "all-nodes")
		return
	}
	c.target = r.number(how)
}

// databaseOf finds a database by db:ID, ID or its name; 0 is none.
func (in *Injector) databaseOf(text string) int {
	for _, d := range in.plane.Databases() {
		if text == d.Name || number(strings.TrimPrefix(text, "db:")) == d.ID {
			return d.ID
		}
	}
	return 0
}

func (in *Injector) shard(uid int) control.Shard {
	for _, d := range in.plane.Databases() {
		for _, s := range d.Shards {
			if s.UID == uid {
				return s
			}
		}
	}
	return control.Shard{}
}

func (in *Injector) ownerOf(uid int) int { return in.shard(uid).Database }
func (in *Injector) nodeOf(uid int) int  { return in.shard(uid).Node }

// number is a whole number of 1 or more; 0 is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// reader reads words and keeps the first error.
type reader struct {
	line  string
	words []string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("rladmin %.200q: %s", r.line, fmt.Sprintf(format, args...))
	}
}

func (r *reader) next() string {
	if len(r.words) == 0 {
		return ""
	}
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

// at reads a word if it is there.
func (r *reader) at(word string) bool {
	if len(r.words) > 0 && r.words[0] == word {
		r.next()
		return true
	}
	return false
}

func (r *reader) want(word string) {
	if !r.at(word) {
		r.fail("want %s behind %q", word, strings.Join(strings.Fields(r.line)[:max(0, len(strings.Fields(r.line))-len(r.words))], " "))
	}
}

func (r *reader) number(what string) int {
	n := number(strings.TrimPrefix(r.next(), "node:"))
	if n == 0 {
		r.fail("want a number behind %s", what)
	}
	return n
}

func (r *reader) choice(words ...string) string {
	word := r.next()
	if !slices.Contains(words, word) {
		r.fail("%.80q: want one of %s", word, strings.Join(words, ", "))
	}
	return word
}

// rladmin runs a command whose text is the body: what asks is answered at
// once, what acts becomes a job.
func (in *Injector) rladmin(w http.ResponseWriter, r *http.Request) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	line := string(body)
	id := 0
	if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "rladmin" && fields[1] == "-b" {
		id = number(fields[2])
	}
	if isStatus(line) {
		write(w, http.StatusOK, map[string]any{"output": in.printStatus()})
		return
	}
	if _, err := in.parse(line, id); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.enqueueWork(w, "execute_rladmin_command", "", func(ctx context.Context, expect func(time.Duration)) (map[string]any, error) {
		text, err := in.execute(ctx, expect, line, id)
		return map[string]any{"output": text}, err
	})
}
