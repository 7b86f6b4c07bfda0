package portal

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// colours are the variables of the style sheet, of a light page or of a dark one.
func colours(t *testing.T, dark bool) map[string]float64 {
	t.Helper()
	css, err := web.ReadFile("web/page.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllSubmatch(css, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d palettes", len(blocks))
	}
	block := blocks[0][1]
	if dark {
		block = blocks[1][1]
	}
	all := map[string]float64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+);`).FindAllSubmatch(block, -1) {
		all[string(m[1])] = luminance(t, string(m[2]))
	}
	return all
}

// luminance is as WCAG 2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

// All text can be read by people with weak eyes: WCAG 2, level AA.
func TestContrastIsEnoughInLightAndInDark(t *testing.T) {
	for _, dark := range []bool{false, true} {
		c := colours(t, dark)
		for _, pair := range [][2]string{
			{"text", "ground"},
			{"text", "card"},
			{"soft", "ground"},
			{"soft", "card"},
			{"accent", "ground"},
			{"accent", "card"},
			{"accent-text", "accent"},
			{"good", "ground"},
			{"good", "card"},
			{"bad", "ground"},
			{"bad", "card"},
			{"bad", "bad-ground"},
			{"text", "bad-ground"},
			{"warm", "card"},
			{"warm", "ground"},
		} {
			a, b := c[pair[0]], c[pair[1]]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("dark %v: %s on %s has a contrast of %.2f", dark, pair[0], pair[1], ratio)
			}
		}
	}
}
