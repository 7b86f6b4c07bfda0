package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/examples/protectdb/shop"
)

// The burst: of a hundred hits five are said twice, and two are for a product that
// somebody forgot to enter.
const (
	clients = 64
	twenty  = 20 // of so many requests one is said twice
	fifty   = 50 // of so many one is poison
)

// burst is who hits the service, and what they were told.
type burst struct {
	hits   []shop.Order // said twice where they stand twice
	unique map[string]shop.Order
	poison []string // products that are missing

	url    string
	client *http.Client

	accepted, refused atomic.Int64
}

// products are those that are there.
func products() []string {
	all := make([]string, 100)
	for i := range all {
		all[i] = fmt.Sprintf("sku-%03d", i)
	}
	return all
}

// newBurst makes n hits, the same ones for the same seed.
func newBurst(n int, seed uint64) *burst {
	rnd := rand.New(rand.NewPCG(seed, 0))
	b := &burst{unique: map[string]shop.Order{}}
	there := products()
	for len(b.hits) < n {
		o := shop.Order{Request: "req-" + strconv.Itoa(len(b.unique)), SKU: there[rnd.IntN(len(there))], Quantity: 1 + rnd.IntN(9)}
		if len(b.unique)%fifty == 7 {
			o.SKU = "forgotten-" + strconv.Itoa(rnd.IntN(5))
			b.poison = append(b.poison, o.SKU)
		}
		b.unique[o.Request] = o
		b.hits = append(b.hits, o)
		if len(b.unique)%twenty == 3 && len(b.hits) < n {
			b.hits = append(b.hits, o)
		}
	}
	rnd.Shuffle(len(b.hits), func(i, j int) { b.hits[i], b.hits[j] = b.hits[j], b.hits[i] })
	return b
}

// hit sends them all, many at a time.
func (b *burst) hit(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(clients)
	for _, o := range b.hits {
		all.Go(func() error { return b.send(ctx, o) })
	}
	return all.Wait()
}

// send sends one until it is accepted: a full backlog says when to come again.
func (b *burst) send(ctx context.Context, o shop.Order) error {
	for {
		body := fmt.Sprintf(`{"Request":%q,"SKU":%q,"Quantity":%d}`, o.Request, o.SKU, o.Quantity)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/jobs", strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Customer", "web")
		r.Header.Set("Idempotency-Key", `"`+o.Request+`"`)
		a, err := b.client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, a.Body)
		a.Body.Close()
		switch {
		case err != nil:
			return err
		case a.StatusCode == http.StatusAccepted:
			b.accepted.Add(1)
			return nil
		case a.StatusCode != http.StatusTooManyRequests:
			return fmt.Errorf("request %s: status %d", o.Request, a.StatusCode)
		}
		b.refused.Add(1)
		if err := rest(ctx, a.Header.Get("Retry-After")); err != nil {
			return err
		}
	}
}

// rest waits as long as it was told to, and a little more, so that not all come at once.
func rest(ctx context.Context, seconds string) error {
	n, err := strconv.Atoi(seconds)
	if err != nil {
		return errors.New("429 without Retry-After")
	}
	select {
	case <-time.After(time.Duration(n)*time.Second + rand.N(time.Second)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
