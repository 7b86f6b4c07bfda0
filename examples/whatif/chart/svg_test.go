package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file")

func sample() Chart {
	side := func(label string, price, slope float64) Side {
		s := Side{Label: label, Price: price}
		for w := range 13 {
			left := max(0, 60-slope*float64(w%7)*9)
			s.Stock = append(s.Stock, Band{left * 0.6, left, left * 1.3})
			s.Cost = append(s.Cost, Band{float64(w) * slope * 60, float64(w) * slope * 90, float64(w) * slope * 130})
		}
		return s
	}
	return Chart{"22423 CAKE STAND", "zeta, screen 9", side("order 40 when 12 or fewer are left", 1560, 1), side("order 60 when 20 or fewer are left", 1170, 0.75)}
}

func TestThePictureIsAsItWas(t *testing.T) {
	var got bytes.Buffer
	if err := SVG(&got, sample()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/chart.svg", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/chart.svg")
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("another picture (-update writes it): %v", err)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	c := sample()
	c.Title = `</title><script>alert(1)</script>" onload="x` + strings.Repeat("ü", 100)
	c.Old.Label = `]]>&<`
	var out bytes.Buffer
	if err := SVG(&out, c); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Error("a script got in")
		}
	}
}

func TestNumbersThatCantBeDrawnAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Chart){
		"NaN":             func(c *Chart) { c.New.Cost[3].Mid = math.NaN() },
		"infinite":        func(c *Chart) { c.Old.Stock[0].High = math.Inf(1) },
		"infinite price":  func(c *Chart) { c.Old.Price = math.Inf(-1) },
		"other weeks":     func(c *Chart) { c.New.Stock = c.New.Stock[:5] },
		"no weeks at all": func(c *Chart) { *c = Chart{} },
	} {
		c := sample()
		spoil(&c)
		if err := SVG(io.Discard, c); err == nil {
			t.Errorf("%s was drawn", name)
		}
	}
}

func TestDegenerateNumbersAreDrawn(t *testing.T) {
	flat := Side{Stock: []Band{{}}, Cost: []Band{{}}}
	below := Side{Stock: []Band{{}, {1e6, 2e6, 3e6}}, Cost: []Band{{}, {-5, -1, 0.001}}}
	for _, c := range []Chart{{Old: flat, New: flat}, {Old: below, New: below}} {
		var out bytes.Buffer
		if err := SVG(&out, c); err != nil || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("%v %s", err, out.String())
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	for high, want := range map[float64]float64{1: 0.2, 7: 2, 12: 5, 60: 20, 99: 20, 1234: 500, 0.03: 0.01, 26: 10} {
		s := newScale(0, high, 12)
		if math.Abs(s.step-want) > 1e-12 || s.high < high || len(s.rows()) > 9 {
			t.Errorf("0 to %v in steps of %v, want %v", high, s.step, want)
		}
	}
}
