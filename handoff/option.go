package handoff

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"schload/internal/spelling"
)

// option is one field of Arm by the name profiles, flags and bundles use.
type option struct {
	name  string
	field func(*Arm) any // *string, *int or *time.Duration
}

var options = []option{
	{"name", func(a *Arm) any { return &a.Name }},
	{"mode", func(a *Arm) any { return &a.Mode }},
	{"endpoint_type", func(a *Arm) any { return &a.EndpointType }},
	{"protocol", func(a *Arm) any { return &a.Protocol }},
	{"max_retries", func(a *Arm) any { return &a.MaxRetries }},
	{"dial_retries", func(a *Arm) any { return &a.DialRetries }},
	{"dial_timeout", func(a *Arm) any { return &a.DialTimeout }},
	{"read_timeout", func(a *Arm) any { return &a.ReadTimeout }},
	{"write_timeout", func(a *Arm) any { return &a.WriteTimeout }},
	{"pool_timeout", func(a *Arm) any { return &a.PoolTimeout }},
	{"relaxed_timeout", func(a *Arm) any { return &a.RelaxedTimeout }},
	{"post_handoff_relaxed", func(a *Arm) any { return &a.PostHandoffRelaxed }},
	{"handoff_timeout", func(a *Arm) any { return &a.HandoffTimeout }},
	{"pool_size", func(a *Arm) any { return &a.PoolSize }},
	{"pipeline_pool_size", func(a *Arm) any { return &a.PipelinePoolSize }},
	{"max_active_conns", func(a *Arm) any { return &a.MaxActiveConns }},
	{"conn_max_lifetime", func(a *Arm) any { return &a.ConnMaxLifetime }},
	{"conn_max_lifetime_jitter", func(a *Arm) any { return &a.ConnMaxLifetimeJitter }},
}

// Set sets one field from "option=value", a duration as in 300ms. It changes
// nothing when it returns an error.
func (a *Arm) Set(assignment string) error {
	name, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("option %q: want option=value", assignment)
	}
	return a.set(name, value)
}

func (a *Arm) set(name, value string) error {
	o, err := findOption(name)
	if err != nil {
		return err
	}
	switch field := o.field(a).(type) {
	case *string:
		*field = value
	case *int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s %q: want a whole number", name, value)
		}
		*field = n
	case *time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%s %q: want a duration such as 300ms or 10s", name, value)
		}
		*field = d
	}
	return nil
}

func findOption(name string) (option, error) {
	names := make([]string, len(options))
	for i, o := range options {
		if o.name == name {
			return o, nil
		}
		names[i] = o.name
	}
	return option{}, fmt.Errorf("unknown option %q%s; known are %s", name, spelling.Hint(name, names), strings.Join(names, ", "))
}

// MarshalJSON writes the fields that are set, durations as text ("10s").
//
// Subtle: it is promoted to a struct that embeds Arm without a field name and
// would hide that struct's other fields (TestArmJSON shows the named form).
func (a Arm) MarshalJSON() ([]byte, error) {
	fields := make(map[string]any)
	for _, o := range options {
		switch field := o.field(&a).(type) {
		case *string:
			fields[o.name] = *field
		case *int:
			fields[o.name] = *field
		case *time.Duration:
			fields[o.name] = field.String()
		}
		if v := fields[o.name]; v == "" || v == 0 || v == "0s" {
			delete(fields, o.name)
		}
	}
	return json.Marshal(fields)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses other fields.
func (a *Arm) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("arm: want an object, got %.40q", data)
	}
	var read Arm
	for name, raw := range fields {
		text := string(raw)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(raw, &text); err != nil {
				return fmt.Errorf("arm: %s: %w", name, err)
			}
		}
		if err := read.set(name, text); err != nil {
			return fmt.Errorf("arm: %w", err)
		}
	}
	*a = read
	return nil
}
