package main

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/spf13/pflag"
)

// What a run with processes of its own refuses is not passed to them; every
// other flag of exports is.
func TestExportFlagsArePassed(t *testing.T) {
	refused := []string{"otlp-file", "prometheus", "export-marks"}
	var empty exportFlags
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	empty.register(flags)
	flags.VisitAll(func(flag *pflag.Flag) {
		var given, taken exportFlags
		set := pflag.NewFlagSet("run", pflag.ContinueOnError)
		given.register(set)
		value := map[string]string{"bool": "true", "int": "7", "string": "x", "stringArray": "a=b"}[flag.Value.Type()]
		if err := set.Set(flag.Name, value); err != nil {
			t.Fatal(err)
		}
		taken.take(given.passed())
		if passed := fmt.Sprint(taken) == fmt.Sprint(given); passed == slices.Contains(refused, flag.Name) {
			t.Errorf("--%s is passed: %v (%+v, %+v)", flag.Name, passed, given, taken)
		}
		if !slices.Contains(refused, flag.Name) && !reflect.DeepEqual(taken, given) {
			t.Errorf("--%s: %+v became %+v", flag.Name, given, taken)
		}
	})
}
