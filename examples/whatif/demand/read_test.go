package demand

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	seriesHead  = "partner,sku,name,unit_price_gbp,units_returned,w00,w01\n"
	arrivalHead = "arrived_at,partner,order,sku_lines,units\n"
)

func TestSeriesAreReadByTheNamesOfTheirColumns(t *testing.T) {
	want := []Series{{"zeta", "22423", "CAKE, STAND", 12.75, 3, []int{5, 0}}}
	for name, text := range map[string]string{
		"as it stands":   seriesHead + "zeta,22423,\"CAKE, STAND\",12.75,3,5,0\n",
		"another order":  "w00,sku,extra,partner,w01,units_returned,unit_price_gbp,name\n5,22423,x,zeta,0,3,12.75,\"CAKE, STAND\"",
		"of a PC":        "\ufeff" + strings.ReplaceAll(seriesHead+"zeta,22423,\"CAKE, STAND\",12.75,3,5,0\n", "\n", "\r\n"),
		"an empty line ": seriesHead + "\nzeta,22423,\"CAKE, STAND\",12.75,3,5,0\n",
	} {
		if got, err := ReadSeries(strings.NewReader(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestArrivalsAreInOrder(t *testing.T) {
	got, err := ReadArrivals(strings.NewReader(arrivalHead + "2026-01-05T10:00:00Z,zeta,2,1,1\n2026-01-05T09:00:00Z,eta,1,12,40\n"))
	if err != nil || len(got) != 2 || got[0].Partner != "eta" || got[0].Lines != 12 || got[1].Order != "2" {
		t.Errorf("%v %v", got, err)
	}
}

func TestABadFileIsRefusedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":              "header",
		"partner,sku\n": `no column "name"`,
		"partner,sku,name,unit_price_gbp,units_returned\n": "no week",
		seriesHead + "zeta,1,A,1,0,x,0":                    `line 2: w00: "x" is not a number of units`,
		seriesHead + "zeta,1,A,1,0,1,-2":                   `line 2: w01: "-2"`,
		seriesHead + "zeta,1,A,1,0,1.5,2":                  `w00: "1.5"`,
		seriesHead + "zeta,1,A,NaN,0,1,2":                  `unit_price_gbp: "NaN" is not a price`,
		seriesHead + "zeta,1,A,0,0,1,2":                    `"0" is not a price`,
		seriesHead + ",1,A,1,0,1,2":                        `partner: "" is not a name`,
		seriesHead + "zeta,1,A,1,0,1":                      "wrong number of fields",
		seriesHead + "z,1,A,1,0,1,2\nz,1,B,1,0,1,2":        `line 3: sku: "1" is not new`,
	} {
		if _, err := ReadSeries(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		arrivalHead:                                     "nobody arrives",
		arrivalHead + "yesterday,z,1,1,1":               `arrived_at: "yesterday" is not a time`,
		arrivalHead + "2026-01-05T10:00:00Z,z,1,many,1": `sku_lines: "many"`,
	} {
		if _, err := ReadArrivals(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := SeriesFile("testdata/none.csv"); err == nil {
		t.Error("a file that isn't there was read")
	}
}

func TestTheSampleIsTheSameEachTime(t *testing.T) {
	series, arrivals := Sample(0)
	again, visits := Sample(0)
	if !reflect.DeepEqual(series, again) || !slices.Equal(arrivals, visits) {
		t.Error("two samples differ")
	}
	if len(series) != 5*24 || len(arrivals) != 1500 {
		t.Errorf("%d series, %d arrivals", len(series), len(arrivals))
	}
	loud := 0
	for _, a := range arrivals {
		if a.Partner == "alpha" {
			loud++
		}
	}
	if loud != 1200 {
		t.Errorf("the loud partner has %d visits", loud)
	}
	if series, arrivals := Sample(100); len(series) != 99*24 || len(arrivals) != 1200+99*3 {
		t.Errorf("of 100 partners: %d series, %d arrivals", len(series), len(arrivals))
	}
}
