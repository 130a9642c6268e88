package dashboards

// column is a column of a table: what is asked, what it is called, and in
// which unit.
type column struct {
	name, unit, expr string
	style            columnStyle
}

// columnStyle says whether values of a column are good or bad by themselves.
type columnStyle int

const (
	plain    columnStyle = iota
	zeroGood             // red from the first on
	fullGood             // a share: red below 99.9 %, green when whole
)

// labelled is a label that tells rows apart, and the title of its column.
type labelled struct{ label, title string }

// table has one row for each set of labels and one column for each query. All
// queries group by the same labels, which is what makes their rows meet.
func table(title, description string, labels []labelled, columns []column) Panel {
	order := organized{ExcludeByName: map[string]bool{"Time": true}, IndexByName: map[string]int{}, RenameByName: map[string]string{}}
	for i, l := range labels {
		order.IndexByName[l.label], order.RenameByName[l.label] = i, l.title
	}
	var targets []Target
	p := panel("table", title, description, "short", nil, tableOptions{ShowHeader: true, CellHeight: "sm"})
	p.FieldConfig.Defaults.Custom = tableStyle{Align: "auto", CellOptions: cellStyle{Type: "auto"}}
	for i, c := range columns {
		id := string(rune('A' + i))
		targets = append(targets, Target{RefID: id, Datasource: source, Expr: c.expr, LegendFormat: c.name, Format: "table", Instant: true})
		order.IndexByName["Value #"+id], order.RenameByName["Value #"+id] = len(labels)+i, c.name
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, c.override())
	}
	p.Targets = targets
	p.Transform = []Transform{{ID: "merge", Options: struct{}{}}, {ID: "organize", Options: order}}
	return p
}

func (c column) override() Override {
	o := Override{Matcher: Matcher{ID: "byName", Options: c.name}, Properties: []Property{{ID: "unit", Value: c.unit}}}
	steps := func(s ...Step) {
		o.Properties = append(o.Properties,
			Property{ID: "color", Value: Color{Mode: "thresholds"}},
			Property{ID: "thresholds", Value: Thresholds{Mode: "absolute", Steps: s}},
			Property{ID: "custom.cellOptions", Value: cellStyle{Type: "color-text"}})
	}
	from := func(v float64) *float64 { return &v }
	switch c.style {
	case zeroGood:
		steps(Step{"green", nil}, Step{"red", from(1e-9)})
	case fullGood:
		steps(Step{"red", nil}, Step{"orange", from(0.999)}, Step{"green", from(1)})
	}
	return o
}
