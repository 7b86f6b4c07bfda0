package chart

import (
	"fmt"
	"math"
)

// scale maps weeks and values to the picture's units.
type scale struct {
	low, high, step float64
	weeks           int
}

// newScale rounds the range of values to steps of 1, 2 or 5 times a power of ten.
func newScale(low, high float64, weeks int) scale {
	if high <= low {
		high = low + 1
	}
	raw := (high - low) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	switch rest := raw / step; {
	case rest > 5:
		step *= 10
	case rest > 2:
		step *= 5
	case rest > 1:
		step *= 2
	}
	return scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step, max(1, weeks)}
}

func (s scale) x(week int) float64 { return width * float64(week) / float64(s.weeks) }

func (s scale) y(v float64) float64 { return height * (s.high - v) / (s.high - s.low) }

func (s scale) rows() (ticks []tick) {
	for i := range int(math.Round((s.high-s.low)/s.step)) + 1 {
		v := s.low + float64(i)*s.step
		label := thousands(v)
		if s.step < 1 {
			label = fmt.Sprintf("%.3g", v)
		}
		ticks = append(ticks, tick{s.y(v), label})
	}
	return ticks
}

func (s scale) columns() (ticks []tick) {
	for week := 0; week <= s.weeks; week += max(1, s.weeks/6) {
		ticks = append(ticks, tick{s.x(week), fmt.Sprint(week)})
	}
	return ticks
}

// draw returns a band's outline and its middle.
func (s scale) draw(bands []Band) (area, line string) {
	var around, middle [][2]float64
	for week, b := range bands {
		around = append(around, [2]float64{s.x(week), s.y(b.High)})
		middle = append(middle, [2]float64{s.x(week), s.y(b.Mid)})
	}
	for week := len(bands) - 1; week >= 0; week-- {
		around = append(around, [2]float64{s.x(week), s.y(bands[week].Low)})
	}
	return points(around), points(middle)
}
