package chart

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

//go:embed chart.svg
var text string

var picture = template.Must(template.New("chart").Parse(text))

// Sizes in the picture's units.
const (
	width   = 430 // of a panel's plot
	height  = 280
	longest = 64 // runes of a title
)

// SVG writes the picture. Sides of different lengths, and numbers that are none, are
// an error.
func SVG(w io.Writer, c Chart) error {
	if err := c.check(); err != nil {
		return err
	}
	saving := 0.0
	if c.Old.Price != 0 {
		saving = 100 * (1 - c.New.Price/c.Old.Price)
	}
	return picture.Execute(w, map[string]any{
		"Title": short(c.Title), "Subtitle": short(c.Subtitle), "Old": c.Old.Label, "New": c.New.Label,
		"Before": pounds(c.Old.Price), "After": pounds(c.New.Price), "Saving": fmt.Sprintf("%.1f", saving),
		"Panels": []panel{
			newPanel("Units on hand", 60, c.Old.Stock, c.New.Stock),
			newPanel("Pounds spent", 570, c.Old.Cost, c.New.Cost),
		},
	})
}

func (c Chart) check() error {
	weeks := len(c.Old.Stock)
	if weeks == 0 {
		return errors.New("chart: there are no weeks")
	}
	for _, bands := range [][]Band{c.Old.Stock, c.Old.Cost, c.New.Stock, c.New.Cost} {
		if len(bands) != weeks {
			return fmt.Errorf("chart: %d weeks beside %d", len(bands), weeks)
		}
		for _, b := range bands {
			if sum := b.Low + b.Mid + b.High + c.Old.Price + c.New.Price; math.IsNaN(sum) || math.IsInf(sum, 0) {
				return fmt.Errorf("chart: %v is not a number to draw", b)
			}
		}
	}
	return nil
}

// panel is one plot, in the picture's units.
type panel struct {
	Title                              string
	X                                  int
	OldArea, OldLine, NewArea, NewLine string // points of a polygon or polyline
	Rows, Columns                      []tick
}

type tick struct {
	At    float64
	Label string
}

func newPanel(title string, x int, old, now []Band) panel {
	low, high := 0.0, 0.0
	for i := range old {
		low = min(low, old[i].Low, now[i].Low)
		high = max(high, old[i].High, now[i].High)
	}
	s := newScale(low, high, len(old)-1)
	p := panel{Title: title, X: x, Rows: s.rows(), Columns: s.columns()}
	p.OldArea, p.OldLine = s.draw(old)
	p.NewArea, p.NewLine = s.draw(now)
	return p
}

// short cuts a text that the picture has no room for.
func short(s string) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return s
}

func pounds(p float64) string {
	if math.Abs(p) < 100 {
		return fmt.Sprintf("£%.2f", p)
	}
	return "£" + thousands(p)
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", math.Abs(v))
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	if v < 0 {
		s = "−" + s
	}
	return s
}

// points writes coordinates as SVG does.
func points(xy [][2]float64) string {
	var b strings.Builder
	for _, p := range xy {
		fmt.Fprintf(&b, "%.1f,%.1f ", p[0], p[1])
	}
	return strings.TrimSpace(b.String())
}
