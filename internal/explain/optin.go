package explain

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"schload/internal/bundle"
)

// The oldest versions that do handoffs.
var (
	oldestClient        = version{9, 16}
	oldestClusterClient = version{9, 18}
	oldestServer        = version{7, 2}
)

// notOptedIn: the arm was to have handoffs, and connections asked for no
// notices or were refused. It names the first prerequisite that is missing.
func notOptedIn(c Case) []Finding {
	asked := c.Arm.SCH.Requested == "on" || c.Arm.SCH.Requested == "auto"
	if !asked || c.Arm.SCH.Effective != "off" && c.Arm.SCH.Effective != "mixed" {
		return nil
	}
	f := c.missing()
	f.Severity, f.Confidence = Problem, cmp.Or(f.Confidence, Certain)
	f.Evidence = append([]string{fmt.Sprintf("%s of %s connections opted in", bundle.Count(c.Arm.SCH.OptedIn), bundle.Count(c.Arm.SCH.Connections))}, f.Evidence...)
	if c.Proof.Server != "" {
		f.Evidence = append(f.Evidence, "the server said it is "+c.Proof.Server)
	}
	return []Finding{f}
}

// missing names the prerequisite.
func (c Case) missing() Finding {
	refusal := strings.ToLower(c.Proof.RefusedText)
	said := fmt.Sprintf("%s refused; the server answered: %s", plural(c.Proof.Refused, "opt-in"), c.Proof.RefusedText)
	old, oldServer := c.oldClient()
	switch {
	case old != "":
		return Finding{ID: "client-version", Title: "The client library is too old for handoffs", Evidence: []string{old},
			Cause: "This version of go-redis does not know the handshake that asks for maintenance notices.",
			Fix:   "Use go-redis 9.16.0 or later, with an OSS cluster 9.18.0 or later.", Source: vendor + "Prerequisites, Client Libraries"}
	case c.Proof.Refused > 0 && (strings.Contains(refusal, "unknown subcommand") || strings.Contains(refusal, "unknown command")):
		return Finding{ID: "server-version", Title: "The server does not know handoffs", Evidence: []string{said},
			Cause: "The command CLIENT MAINT_NOTIFICATIONS is unknown to it: an open source Redis, a Redis Software cluster before 8.0.2 (with the OSS Cluster API before 8.0.16), or Redis for Kubernetes.",
			Fix:   "Upgrade the Redis Software cluster to 8.0.16-29 or later. Against a server that cannot have it, use the arm off.", Source: vendor + "SCH not triggering; Limitations"}
	case c.Proof.Refused > 0 && strings.Contains(refusal, "resp3"):
		return resp2(said)
	case c.Proof.Refused > 0 && strings.Contains(refusal, "syntax error"):
		return Finding{ID: "endpoint-type", Title: "The server refuses the kind of address that the client asks for", Evidence: []string{said, c.askedFor()},
			Cause:  "The opt-in names an endpoint type (moving-endpoint-type) that this deployment cannot give.",
			Fix:    "Set endpoint_type to one that the deployment has: internal-ip or internal-fqdn inside its network, external-ip or external-fqdn outside, none where there is one address only.",
			Source: vendor + "SCH not triggering; go-redis, maintnotifications.EndpointType", Confidence: Likely}
	case c.Proof.Refused > 0:
		more := ""
		if c.Summary.Cluster {
			more = `, "oss_cluster_client_maint_notifications": true`
		}
		return Finding{ID: "feature-off", Title: "Handoffs are switched off at the server", Evidence: []string{said},
			Cause:  "The server knows the command and refuses it: the cluster's or the database's switch for client maintenance notifications is off.",
			Fix:    "Switch it on: PUT /v1/cluster {\"client_maint_notifications\": true" + more + "} in the REST API of Redis Software. Connections that are open do not opt in afterwards; let the client reconnect.",
			Source: vendor + "Prerequisites, Redis Software; SCH not triggering", Confidence: Likely}
	case c.Proof.Protocols["2"] > 0 || c.settings.Protocol == 2:
		return resp2(fmt.Sprintf("%s spoke RESP2", plural(c.Proof.Protocols["2"], "connection")))
	case oldServer != "":
		return Finding{ID: "server-version", Title: "The database is too old for handoffs", Evidence: []string{oldServer},
			Cause: "Notices need RESP3, which a database has from Redis 7.2 on.", Fix: "Upgrade the database to Redis 7.2 or later.", Source: vendor + "SCH not triggering"}
	}
	return Finding{ID: "opt-in-missing", Title: "Connections did not ask for notices", Confidence: Likely,
		Cause: "The opt-in was not sent or not answered; the bundle does not say why.",
		Fix:   "Check in this order: version of the client, RESP3, Redis Software 8.0.2 or later, Redis 7.2 or later, the switch for client maintenance notifications.", Source: vendor + "SCH not triggering"}
}

func resp2(evidence string) Finding {
	return Finding{ID: "resp3", Title: "The connections do not speak RESP3", Evidence: []string{evidence},
		Cause: "Notices are pushes, which only RESP3 can carry. The client was told to speak RESP2, or the server or a proxy before it refused HELLO 3.",
		Fix:   "Set Protocol: 3 (the arm's protocol=3), use a database of Redis 7.2 or later, and see that nothing between them speaks RESP2 only.", Source: vendor + "Prerequisites; SCH not triggering"}
}

// askedFor says what addresses MOVING was to name.
func (c Case) askedFor() string {
	if len(c.Proof.EndpointTypes) == 0 {
		return "the arm's endpoint_type is " + cmp.Or(c.settings.EndpointType, "not told")
	}
	return "opt-ins sent, by endpoint type: " + classes(c.Proof.EndpointTypes)
}

// oldClient says what is too old, if it is.
func (c Case) oldClient() (client, server string) {
	oldest := oldestClient
	if c.Summary.Cluster {
		oldest = oldestClusterClient
	}
	if v, ok := parseVersion(c.Run.Versions.GoRedis); ok && v.before(oldest) {
		client = fmt.Sprintf("go-redis %s, where %s is needed", c.Run.Versions.GoRedis, oldest)
	}
	if v, ok := parseVersion(c.Proof.Server); ok && v.before(oldestServer) {
		server = fmt.Sprintf("the server is %s, where Redis %s is needed", c.Proof.Server, oldestServer)
	}
	return client, server
}

type version [2]int

func (v version) String() string        { return fmt.Sprintf("%d.%d", v[0], v[1]) }
func (v version) before(o version) bool { return cmp.Or(v[0]-o[0], v[1]-o[1]) < 0 }

var versionText = regexp.MustCompile(`(\d+)\.(\d+)`)

func parseVersion(text string) (v version, ok bool) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return v, false
	}
	v[0], _ = strconv.Atoi(m[1])
	v[1], _ = strconv.Atoi(m[2])
	return v, true
}
