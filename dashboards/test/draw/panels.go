package draw

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"schload/dashboards"
	"schload/dashboards/test/view"
)

// x is where an instant lies in a box.
func (c *canvas) x(b box, at time.Time) float64 {
	share := float64(at.Sub(c.view.From)) / float64(c.view.To.Sub(c.view.From))
	return b.x + b.w*min(max(share, 0), 1)
}

// frame shades what annotations mark and writes the axis of time.
func (c *canvas) frame(b box) {
	for _, s := range c.shaded {
		from, to := c.x(b, s.from), c.x(b, s.to)
		c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" opacity="0.15"/>`+"\n", from, b.y, to-from, b.h, colors[s.color])
	}
	for i := range 5 {
		at := c.view.From.Add(c.view.To.Sub(c.view.From) * time.Duration(i) / 4)
		anchor := [...]string{"start", "middle", "middle", "middle", "end"}[i]
		c.text(c.x(b, at), b.y+b.h+13, "#8e8e9a", anchor, at.UTC().Format("15:04:05"))
	}
}

// scale draws lines for values from 0, or from the least one below it.
func (c *canvas) scale(b box, low, high float64, unit string) {
	for i := range 4 {
		v := low + (high-low)*float64(i)/3
		y := b.y + b.h*(1-float64(i)/3)
		c.printf(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#2c3036"/>`+"\n", b.x, b.x+b.w, y, y)
		c.text(b.x-4, y+4, "#8e8e9a", "end", format(v, unit))
	}
}

func (c *canvas) graph(p dashboards.Panel, b box, all []view.Series) {
	unit := p.FieldConfig.Defaults.Unit
	low, high := 0.0, 0.0
	for _, s := range all {
		for _, sample := range s.Samples {
			if !math.IsNaN(sample.F) && !math.IsInf(sample.F, 0) {
				low, high = min(low, sample.F), max(high, sample.F)
			}
		}
	}
	high = roundUp(high)
	listed := min(len(all), 8)
	plot := b.inset(62, 4, 4, 22+14*float64((listed+2)/3))
	c.scale(plot, low, high, unit)
	c.frame(plot)
	y := func(v float64) float64 { return plot.y + plot.h*(1-(min(v, high)-low)/(high-low)) }
	bars, steps := p.Draws("bars"), p.Draws("stepAfter")
	for i, s := range all {
		color := colorOf(p, s.Name, i)
		if bars {
			c.columns(plot, y, s, color, i, len(all))
		} else {
			c.line(plot, y, s, color, p.Dashed(s.Target.RefID), steps)
		}
		if i < listed {
			at := box{b.x + b.w/3*float64(i%3), b.y + b.h - 14*float64((listed-1)/3-i/3), 0, 0}
			c.printf(`<rect x="%.1f" y="%.1f" width="10" height="3" fill="%s"/>`+"\n", at.x, at.y-7, color)
			c.text(at.x+14, at.y-2, "#ccccdc", "start", cut(s.Name, int(b.w/3/6.6)-2))
		}
	}
}

// line draws a path, broken where samples are absent.
func (c *canvas) line(b box, y func(float64) float64, s view.Series, color string, dashed, steps bool) {
	var path strings.Builder
	var before int64
	for i, sample := range s.Samples {
		if math.IsNaN(sample.F) {
			continue
		}
		x := c.x(b, time.UnixMilli(sample.T))
		switch {
		case i == 0 || before == 0 || sample.T-before > c.view.Step.Milliseconds():
			fmt.Fprintf(&path, "M%.1f %.1fh0.1", x, y(sample.F))
		case steps:
			fmt.Fprintf(&path, "H%.1fV%.1f", x, y(sample.F))
		default:
			fmt.Fprintf(&path, "L%.1f %.1f", x, y(sample.F))
		}
		before = sample.T
	}
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	c.printf(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linecap="round"%s/>`+"\n", path.String(), color, dash)
}

func (c *canvas) columns(b box, y func(float64) float64, s view.Series, color string, index, of int) {
	wide := b.w * float64(c.view.Step) / float64(c.view.To.Sub(c.view.From)) / float64(of)
	for _, sample := range s.Samples {
		if top := y(sample.F); sample.F > 0 {
			c.printf(`<rect x="%.1f" y="%.1f" width="%.2f" height="%.1f" fill="%s" opacity="0.8"/>`+"\n",
				c.x(b, time.UnixMilli(sample.T))+wide*float64(index), top, max(wide, 1), b.y+b.h-top, color)
		}
	}
}

func (c *canvas) bars(p dashboards.Panel, b box, all []view.Series) {
	slices.SortStableFunc(all, func(x, y view.Series) int { return strings.Compare(x.Name, y.Name) })
	unit, most := p.FieldConfig.Defaults.Unit, 0.0
	for _, s := range all {
		if v := math.Abs(s.Last()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			most = max(most, v)
		}
	}
	if m := p.FieldConfig.Defaults.Max; m != nil {
		most = *m
	}
	each := min(b.h/float64(len(all)), 34)
	for i, s := range all {
		top, width, named := b.y+each*float64(i), (b.w*0.58-78)*math.Abs(s.Last())/max(most, 1e-12), b.w*0.42
		if math.IsNaN(width) || math.IsInf(width, 0) {
			width = 0
		}
		color := colorOf(p, s.Name, i)
		c.text(b.x+named-6, top+each*0.6, "#ccccdc", "end", cut(s.Name, int(named/6.4)))
		c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", b.x+named, top+each*0.15, max(width, 1), each*0.65, color)
		c.text(b.x+named+max(width, 1)+5, top+each*0.6, color, "start", format(s.Last(), unit))
	}
}

func (c *canvas) timeline(p dashboards.Panel, b box, all []view.Series) {
	plot := b.inset(190, 2, 4, 18)
	c.frame(plot)
	each := min(plot.h/float64(len(all)), 30)
	states := p.States()
	for i, s := range all {
		top := plot.y + each*float64(i)
		c.text(plot.x-6, top+each*0.65, "#ccccdc", "end", cut(s.Name, 28))
		c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#22252b"/>`+"\n", plot.x, top+1, plot.w, each-2)
		c.spans(s, func(from, to time.Time, value float64) {
			color, known := colors[states[strconv.FormatFloat(value, 'f', -1, 64)]]
			if !known {
				c.fail(fmt.Errorf("panel %q: %s has the value %v, which is no state", p.Title, s.Name, value))
			}
			left, right := c.x(plot, from), c.x(plot, to)
			c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" opacity="0.85"/>`+"\n", left, top+1, right-left, each-2, color)
		})
	}
}

// heatmap draws shares on the scales that the board gives to all heat maps,
// four buckets a cell: a bucket alone is less than a pixel high.
func (c *canvas) heatmap(b box, all []view.Series) {
	plot := b.inset(62, 4, 4, 20)
	low, high, densest := dashboards.HeatmapScales()
	y := func(v float64) float64 {
		return plot.y + plot.h*(1-min(max(math.Log2(v/low)/math.Log2(high/low), 0), 1))
	}
	for v := low; v <= high; v *= 8 {
		c.printf(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#2c3036"/>`+"\n", plot.x, plot.x+plot.w, y(v), y(v))
		c.text(plot.x-4, y(v)+4, "#8e8e9a", "end", format(v, "s"))
	}
	c.frame(plot)
	const together = 16.0 // cells an octave
	for _, sample := range all[0].Samples {
		cells := map[int]float64{}
		for buckets := sample.H.PositiveBucketIterator(); buckets.Next(); {
			bucket := buckets.At()
			cells[int(math.Floor(math.Log2(bucket.Upper*0.9999)*together))] += bucket.Count
		}
		left, right := c.x(plot, time.UnixMilli(sample.T)), c.x(plot, time.UnixMilli(sample.T).Add(c.view.Step))
		for _, cell := range slices.Sorted(maps.Keys(cells)) {
			share := cells[cell] * together / 64 // of one bucket, in the mean
			if share <= 0 {
				continue
			}
			bottom, top := y(math.Exp2(float64(cell)/together)), y(math.Exp2(float64(cell+1)/together))
			c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#ff9830" opacity="%.2f"/>`+"\n",
				left, top, max(right-left, 1), bottom-top, min(0.15+0.85*math.Sqrt(share/densest), 1))
		}
	}
}

// table merges rows with equal labels, as the board asks Grafana to.
func (c *canvas) table(p dashboards.Panel, b box, all []view.Series) {
	head, order := p.Columns()
	rows := map[string][]string{}
	units := p.UnitsByName()
	for _, s := range all {
		key := s.Labels.String()
		if rows[key] == nil {
			rows[key] = make([]string, len(head))
			s.Labels.Range(func(l labels.Label) { rows[key][order[l.Name]] = l.Value })
		}
		rows[key][order["Value #"+s.Target.RefID]] = format(s.Last(), units[s.Target.LegendFormat])
	}
	keys := slices.Sorted(maps.Keys(rows))
	widths := columnWidths(head, rows, b.w)
	for i, x := 0, b.x; i < len(head); i, x = i+1, x+widths[i] {
		c.text(x, b.y+12, "#8ab8ff", "start", cut(head[i], int(widths[i]/letter)))
		for n, key := range keys {
			c.text(x, b.y+34+20*float64(n), "#ccccdc", "start", cut(rows[key][i], int(widths[i]/letter)))
		}
	}
}

// letter is how wide one is, in pixels, with room to spare.
const letter = 6.6

// columnWidths shares the width among columns as their longest texts need it.
func columnWidths(head []string, rows map[string][]string, width float64) []float64 {
	widths, sum := make([]float64, len(head)), 0.0
	for i, name := range head {
		longest := len([]rune(name))
		for _, row := range rows {
			longest = max(longest, len([]rune(row[i])))
		}
		widths[i] = letter * float64(longest+2)
		sum += widths[i]
	}
	for i := range widths {
		widths[i] *= width / sum
	}
	return widths
}

func cut(text string, length int) string {
	if letters := []rune(text); length > 1 && len(letters) > length {
		return string(letters[:length-1]) + "…"
	}
	return text
}
