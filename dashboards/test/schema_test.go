package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"schload/dashboards"
)

// Options and custom field configuration of every panel, overrides included,
// are what Grafana's published types allow: no option that does not exist, no
// value that it does not know.
func TestPanelsFitGrafanasSchema(t *testing.T) {
	schemas := schemas(t)
	for file := range dashboards.Boards() {
		for _, p := range panelsOf(t, file) {
			if p.Type == "row" {
				continue
			}
			options, ok := schemas[p.Type+".options"]
			if !ok {
				t.Fatalf("%s, panel %q: no schema for panels of type %s", file, p.Title, p.Type)
			}
			if err := options.Validate(p.Options); err != nil {
				t.Errorf("%s, panel %q: options: %v", file, p.Title, err)
			}
			custom := p.FieldConfig.Defaults.Custom
			if custom == nil {
				custom = map[string]any{}
			}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if name, ok := strings.CutPrefix(property.ID, "custom."); ok {
						custom[name] = property.Value
					}
				}
			}
			if schema, ok := schemas[p.Type+".custom"]; ok {
				if err := schema.Validate(any(custom)); err != nil {
					t.Errorf("%s, panel %q: field configuration: %v", file, p.Title, err)
				}
			} else if len(custom) > 0 {
				t.Errorf("%s, panel %q: panels of type %s have no custom field configuration, but %v", file, p.Title, p.Type, custom)
			}
		}
	}
}

// The check itself finds what is wrong.
func TestSchemaFindsFaults(t *testing.T) {
	heatmap := schemas(t)["heatmap.options"]
	var good map[string]any
	for _, p := range panelsOf(t, "handoffs.json") {
		if p.Type == "heatmap" {
			good = p.Options.(map[string]any)
		}
	}
	good["color"].(map[string]any)["mode"] = "value"
	if err := heatmap.Validate(any(good)); err == nil {
		t.Error("a colour mode that does not exist is accepted")
	}
	good["color"].(map[string]any)["mode"] = "scheme"
	good["colour"] = 1.0
	if err := heatmap.Validate(any(good)); err == nil {
		t.Error("an option that does not exist is accepted")
	}
}

// drawn is a panel as it stands in the file, which is what Grafana reads.
type drawn struct {
	Type, Title string
	Options     any
	FieldConfig struct {
		Defaults struct {
			Custom map[string]any
		}
		Overrides []struct {
			Properties []struct {
				ID    string
				Value any
			}
		}
	}
}

func panelsOf(t *testing.T, file string) []drawn {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "dashboards/grafana/boards", file))
	if err != nil {
		t.Fatal(err)
	}
	var board struct{ Panels []drawn }
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	return board.Panels
}

// schemas returns the schemas by the names of their files.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob("testdata/grafana-schema/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("schemas: %v, %v", files, err)
	}
	compiler := jsonschema.NewCompiler()
	out := map[string]*jsonschema.Schema{}
	for _, file := range files {
		schema, err := compiler.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".json")] = schema
	}
	return out
}
