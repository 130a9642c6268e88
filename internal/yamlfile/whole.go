package yamlfile

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// checkWhole refuses 1.9 where a whole number belongs: the library would cut
// it off and say nothing.
func checkWhole(data []byte, v any) error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil // decoding says it better
	}
	for _, doc := range file.Docs {
		if err := wholeIn(doc.Body, reflect.TypeOf(v)); err != nil {
			return err
		}
	}
	return nil
}

var reads = reflect.TypeFor[yaml.NodeUnmarshaler]()

func wholeIn(n ast.Node, t reflect.Type) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n == nil || reflect.PointerTo(t).Implements(reads) {
		return nil // the type reads its text itself
	}
	switch t.Kind() {
	case reflect.Struct:
		return wholeFields(n, t)
	case reflect.Slice:
		return wholeItems(n, t.Elem())
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64:
		if _, float := n.(*ast.FloatNode); float {
			token := n.GetToken()
			return &Error{Line: token.Position.Line, Err: fmt.Errorf("want a whole number, got %s", Clip(token.Value))}
		}
	}
	return nil
}

func wholeItems(n ast.Node, t reflect.Type) error {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil
	}
	for _, item := range list.Values {
		if err := wholeIn(item, t); err != nil {
			return err
		}
	}
	return nil
}

func wholeFields(n ast.Node, t reflect.Type) error {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	}
	for _, p := range pairs {
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if name != "" && name == p.Key.GetToken().Value {
				if err := wholeIn(p.Value, t.Field(i).Type); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
