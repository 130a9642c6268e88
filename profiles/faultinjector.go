package profiles

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"schload/handoff/stage"
	"schload/handoff/upgrade"
)

// checkFaultInjector checks what belongs to stage fault-injector.
func (p Profile) checkFaultInjector() error {
	var wrong []error
	if p.Stage != stage.NameFaultInjector {
		for _, given := range []struct {
			name string
			is   bool
		}{{"fault-injector", p.FaultInjector != ""}, {"bdb", p.BDB != 0}, {"action", p.Action != ""}} {
			if given.is {
				wrong = append(wrong, fmt.Errorf("%s with stage %s: nobody would be asked; use stage %s", given.name, p.Stage, stage.NameFaultInjector))
			}
		}
		return errors.Join(wrong...)
	}
	if p.FaultInjector == "" {
		wrong = append(wrong, errors.New("stage fault-injector without fault-injector: give its URL, such as http://127.0.0.1:20324"))
	} else if _, err := stage.ParseFaultInjector(p.FaultInjector); err != nil {
		wrong = append(wrong, err)
	}
	if p.BDB < 1 {
		wrong = append(wrong, fmt.Errorf("bdb %d: want the number of the database, from 1", p.BDB))
	}
	switch {
	case p.Action != "":
		_, err := stage.ParseAction(p.Action)
		wrong = append(wrong, err)
	case p.Upgrade == upgrade.UnnamedName:
		wrong = append(wrong, errors.New("stage fault-injector without upgrade and action: say which upgrade it is (failover, endpoint-rebind), or what to ask for (action: failover bdb_id=1)"))
	}
	return errors.Join(wrong...)
}

// checkResolver checks the address of the name server.
func (p Profile) checkResolver() error {
	if p.Resolver == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(p.Resolver)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
		return fmt.Errorf("resolver %q: want HOST:PORT of a name server, such as 127.0.0.1:5353", p.Resolver)
	}
	return nil
}
