package telemetry

import (
	"schload/telemetry/record"
	"schload/workload"
)

// The categories that Redis' specification sorts errors of clients into.
const (
	categoryNetwork = "network"
	categoryTLS     = "tls"
	categoryAuth    = "auth"
	categoryServer  = "server"
	categoryOther   = "other"
)

// categories of the classes of failed operations. TLS failures are dials that
// failed for another reason than refusal and time, and cannot be told apart.
var categories = map[workload.Class]string{
	workload.DialRefused: categoryNetwork, workload.DialTimeout: categoryNetwork, workload.DialOther: categoryNetwork,
	workload.ReadTimeout: categoryNetwork, workload.WriteTimeout: categoryNetwork, workload.Reset: categoryNetwork, workload.EOF: categoryNetwork,
	workload.Noauth: categoryAuth, workload.Redirect: categoryServer, workload.Loading: categoryServer, workload.Readonly: categoryServer,
	workload.Clusterdown: categoryServer, workload.Masterdown: categoryServer, workload.Tryagain: categoryServer,
	workload.Conflict: categoryServer, workload.ServerError: categoryServer,
}

// byName finds a class by the text that counts carry.
var byName = func() map[string]workload.Class {
	out := map[string]workload.Class{}
	for class := range workload.Class(workload.Classes) {
		out[class.String()] = class
	}
	return out
}()

func category(class workload.Class) string {
	if c, ok := categories[class]; ok {
		return c
	}
	return categoryOther
}

// addErrors states what is counted about operations and retries as Redis'
// specification has it: redis.client.errors, those that the application got
// and those that the client dealt with itself.
func (s *source) addErrors(c record.Count) {
	switch c.Name {
	case record.Operations:
		for _, a := range c.Attrs {
			class, known := byName[a.Value]
			if a.Key == record.AttrOutcome && known && class != workload.OK {
				s.count(record.ClientErrors, clientError(a.Value, category(class), "false", 0)).value += c.Value
			}
		}
	case record.AttemptsHidden:
		s.count(record.ClientErrors, clientError(failure, categoryOther, "true", 0)).value += c.Value
	}
}

// clientError are the attributes of an error after so many retries. Errors that
// the client dealt with itself count at 0: which try they were it does not tell.
func clientError(kind, category, internal string, retries int) []record.Attr {
	return []record.Attr{{Key: record.AttrError, Value: kind}, {Key: record.AttrCategory, Value: category}, {Key: record.AttrInternal, Value: internal}, retriesAttr(retries)}
}

// prepareErrors states the errors at zero.
func (s *source) prepareErrors() {
	for class := range workload.Class(workload.Classes) {
		if class != workload.OK {
			s.count(record.ClientErrors, clientError(class.String(), category(class), "false", 0))
		}
	}
	s.count(record.ClientErrors, clientError(failure, categoryOther, "true", 0))
}
