package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/leat-go/leat/examples/whatif/chart"
	"github.com/leat-go/leat/examples/whatif/feature"
	"github.com/leat-go/leat/examples/whatif/optimiser"
)

type settings = optimiser.Settings

// draw puts a chart of the product that saves most into the bucket, and tells where.
func (s *story) draw(ctx context.Context, out io.Writer) error {
	changes, err := s.store.Newest(ctx)
	if err != nil {
		return err
	}
	c, i, found := best(changes)
	if !found {
		return nil
	}
	vectors, err := s.store.Vectors(ctx, c.Partner, c.Settings.SKUs())
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if err := chart.SVG(&svg, picture(c, i, vectors[i])); err != nil {
		return err
	}
	key := fmt.Sprintf("charts/%s-%d.svg", hex.EncodeToString([]byte(c.Job)), i)
	if err := s.bucket.Write(ctx, key, svg.Bytes()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	link := path.Join("the bucket, ", key)
	if s.folder != "" {
		link = "file://" + filepath.Join(s.folder, filepath.FromSlash(key))
	}
	fmt.Fprintf(out, "a chart of %s of %s: %s\n", c.Plan.Items[i].SKU, c.Partner, link)
	return nil
}

// best finds the product whose plan saves most pounds.
func best(changes []feature.Change) (c feature.Change, item int, found bool) {
	most := 0.0
	for _, change := range changes {
		for i, d := range change.Plan.Items {
			if saves := d.Before - d.After; saves > most {
				c, item, found, most = change, i, true, saves
			}
		}
	}
	return c, item, found
}

func picture(c feature.Change, i int, v optimiser.Vector) chart.Chart {
	d, item := c.Plan.Items[i], c.Settings.Items[i]
	return chart.Chart{
		Title:    d.SKU + " " + v.Name,
		Subtitle: c.Partner + ", " + c.Screen,
		Old:      side(d.Old, c.Settings.Trace(v, item, d.Old)),
		New:      side(d.New, c.Settings.Trace(v, item, d.New)),
	}
}

func side(p optimiser.Policy, c optimiser.Curves) chart.Side {
	return chart.Side{Label: p.String(), Price: c.Price, Stock: bands(c.Stock), Cost: bands(c.Cost)}
}

func bands(from []optimiser.Band) []chart.Band {
	to := make([]chart.Band, len(from))
	for i, b := range from {
		to[i] = chart.Band(b)
	}
	return to
}
