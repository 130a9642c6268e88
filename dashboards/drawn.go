package dashboards

// What a panel says of how it is drawn, for those who draw it without Grafana.

// HeatmapScales returns the scales that all heat maps share: from which time to
// which, in seconds, and the share in one bucket from which on the colour is
// full.
func HeatmapScales() (low, high, densest float64) { return fastest, slowest, densestShare }

// Draws reports whether a time series is drawn in a style, as bars or
// stepAfter.
func (p Panel) Draws(style string) bool {
	s, ok := p.FieldConfig.Defaults.Custom.(graphStyle)
	return ok && (s.DrawStyle == style || s.LineInterpolation == style)
}

// Dashed reports whether the series of a query are drawn dashed.
func (p Panel) Dashed(refID string) bool {
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byFrameRefID" || o.Matcher.Options != refID {
			continue
		}
		for _, property := range o.Properties {
			if property.ID == "custom.lineStyle" {
				return true
			}
		}
	}
	return false
}

// States returns the colours of values that stand for states.
func (p Panel) States() map[string]string {
	out := map[string]string{}
	for _, m := range p.FieldConfig.Defaults.Mappings {
		for value, state := range m.(valueMapping).Options {
			out[value] = state.Color
		}
	}
	return out
}

// Columns returns the titles of a table's columns, and the place of each field
// that a query answers with.
func (p Panel) Columns() (titles []string, place map[string]int) {
	for _, t := range p.Transform {
		if o, ok := t.Options.(organized); ok {
			titles = make([]string, len(o.IndexByName))
			for field, i := range o.IndexByName {
				titles[i] = o.RenameByName[field]
			}
			return titles, o.IndexByName
		}
	}
	return nil, nil
}

// UnitsByName returns the units of fields that have their own.
func (p Panel) UnitsByName() map[string]string {
	out := map[string]string{}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if unit, ok := property.Value.(string); ok && property.ID == "unit" {
				out[o.Matcher.Options] = unit
			}
		}
	}
	return out
}
