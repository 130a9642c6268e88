package bundle

import (
	"reflect"
	"testing"
)

// The exports of several processes are added up, each number of them.
func TestExportsAdd(t *testing.T) {
	var e Exports
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(uint64(i + 1))
	}
	e.Add(e)
	for i := range v.NumField() {
		if got, want := v.Field(i).Uint(), uint64(2*(i+1)); got != want {
			t.Errorf("%s is %d, want %d", v.Type().Field(i).Name, got, want)
		}
	}
}
