package mark

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every field of a mark comes back, whichever of them are set: a field that is
// added to Mark and not to Fields fails here.
func TestAttributesRoundTrip(t *testing.T) {
	fields := reflect.TypeFor[Mark]().NumField()
	if len(Fields) != fields-1 { // At is the event's time
		t.Fatalf("%d fields are listed, a mark has %d besides At", len(Fields), fields-1)
	}
	for leave := -1; leave < fields; leave++ {
		m := Mark{}
		v := reflect.ValueOf(&m).Elem()
		for i := range fields {
			if name := v.Type().Field(i).Name; i == leave && name != "Kind" {
				continue
			}
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString("text" + string(rune('a'+i)))
			case reflect.Uint64:
				f.SetUint(uint64(i + 7))
			case reflect.Pointer:
				f.Set(reflect.ValueOf(new(int64))) // 0, which is a sequence id
			default:
				f.SetInt(int64(i + 7))
			}
		}
		got, err := FromAttributes(m.At, m.Attributes())
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Errorf("%v, without field %d (-want +got):\n%s", err, leave, diff)
		}
	}
}

func TestFromAttributesRefuses(t *testing.T) {
	kind := Attribute{"schload.mark.kind", "dial"}
	for name, list := range map[string][]Attribute{
		"no kind":   {{"schload.arm", "on"}},
		"a number":  {kind, {"schload.arm", int64(4)}},
		"no number": {kind, {"schload.round", "1"}},
	} {
		if m, err := FromAttributes(time.Second, list); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if m, err := FromAttributes(time.Second, []Attribute{kind, {"foreign", 1.5}}); err != nil || m.Kind != "dial" {
		t.Errorf("an attribute of others: %+v, %v", m, err)
	}
}
