package bundle

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// hidden stands where a secret was; net/url uses the same word.
const hidden = "xxxxx"

var (
	// The password of a URL, up to the last @ of the word: a password may
	// hold an @ or a / that nobody encoded, and hiding too much is harmless.
	urlPassword = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#:@]*:)\S*@`)
	// A secret among the query parameters of a URL.
	queryPassword = regexp.MustCompile(`(?i)([?&](?:password|passwd|secret|token|api_?key)=)[^&\s]*`)
	// The name of a flag or of a profile's key whose value is a secret, or may
	// hold one, as a shell command does.
	secretName = regexp.MustCompile(`(?i)(?:upgrade[-_]command|password|passwd|passphrase|secret|token|api[-_]?key|credentials?|authorization|headers?)$|(?:^|[-_.])(?:pass|auth)$`)
)

// Redact returns text with the passwords of all URLs in it replaced by
// "xxxxx". User names, hosts and ports stay.
func Redact(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	text = urlPassword.ReplaceAllString(text, "${1}"+hidden+"@")
	return queryPassword.ReplaceAllString(text, "${1}"+hidden)
}

// RedactArgs returns a copy of a command line with the passwords of URLs and
// the values of flags such as --password or --token replaced by "xxxxx".
func RedactArgs(args []string) []string {
	out := make([]string, len(args))
	secret := false // the previous argument was a flag whose value is a secret
	for i, arg := range args {
		name, _, assigned := strings.Cut(arg, "=")
		flag := strings.HasPrefix(arg, "-")
		switch {
		case secret && !flag:
			out[i], secret = hidden, false
			continue
		case flag && assigned && secretName.MatchString(strings.TrimLeft(name, "-")):
			out[i] = name + "=" + hidden
		default:
			out[i] = Redact(arg)
		}
		secret = flag && !assigned && secretName.MatchString(strings.TrimLeft(arg, "-"))
	}
	return out
}

// redactor replaces what Redact replaces and, besides, secrets known by value.
type redactor struct{ secrets []string }

func (r redactor) text(s string) string {
	s = Redact(s)
	for _, secret := range r.secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, hidden)
		}
	}
	return s
}

func (r redactor) args(args []string) []string {
	out := RedactArgs(args)
	for i := range out {
		out[i] = r.text(out[i])
	}
	return out
}

// raw redacts every string of a JSON document, and whatever stands under a
// key that names a secret. Keys come out sorted.
func (r redactor) raw(doc json.RawMessage) (json.RawMessage, error) {
	if len(doc) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return marshal(r.walk(v, false))
}

func (r redactor) walk(v any, secret bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = r.walk(e, secret || secretName.MatchString(k))
		}
	case []any:
		for i, e := range v {
			v[i] = r.walk(e, secret)
		}
	case string:
		if secret && v != "" {
			return hidden
		}
		return r.text(v)
	case json.Number:
		if secret {
			return hidden
		}
	}
	return v
}
