package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/examples/whatif/portal"
)

// One change in so many is sent twice, as by a network that lost the reply, and one
// is thought better of.
const (
	repeats = 25
	regrets = 40
)

// look asks what the partner sells.
func (p *Partner) look(ctx context.Context) error {
	var a portal.Assortment
	if _, err := p.call(ctx, "GET", "/products", "", nil, &a); err != nil {
		return err
	}
	p.skus, p.borrowed = a.SKUs, a.Borrowed
	if len(p.skus) == 0 {
		return fmt.Errorf("the portal knows of no products")
	}
	return nil
}

// change sends a changed screen, as often as the portal asks for it.
func (p *Partner) change(ctx context.Context, screen int, a demand.Arrival) error {
	s := p.question(screen, a)
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := "/jobs"
	if trails(screen) {
		path += "?mode=trailing"
	}
	clicked := time.Now()
	key := p.Visit + a.Order
	id, err := p.post(ctx, path, key, body)
	if err != nil {
		return err
	}
	p.books.promise(id, s, trails(screen), clicked)
	if number(a.Order)%repeats == 0 {
		again, err := p.post(ctx, path, key, body)
		if err != nil {
			return err
		}
		if again != id {
			p.books.double()
		}
	}
	if number(a.Order)%regrets == 1 {
		if _, err := p.call(ctx, "DELETE", "/jobs/"+id, "", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// post returns the id of the job. 429 and 503 say when to come again.
func (p *Partner) post(ctx context.Context, path, key string, body []byte) (string, error) {
	for {
		var accepted struct {
			ID string `json:"id"`
		}
		answer, err := p.call(ctx, "POST", path, key, body, &accepted)
		if err != nil {
			return "", err
		}
		if answer.StatusCode == http.StatusAccepted && accepted.ID != "" {
			return accepted.ID, nil
		}
		wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || answer.StatusCode != http.StatusTooManyRequests {
			return "", fmt.Errorf("POST %s: %s, with Retry-After %q", path, answer.Status, answer.Header.Get("Retry-After"))
		}
		p.books.refused()
		if err := sleep(ctx, time.Duration(wait)*time.Second); err != nil {
			return "", err
		}
	}
}

// result fetches a plan.
func (p *Partner) result(ctx context.Context, id string) (plan optimiser.Plan, err error) {
	answer, err := p.call(ctx, "GET", "/jobs/"+id+"/result", "", nil, &plan)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the result of %s: %s", id, answer.Status)
	}
	return plan, err
}

// state asks how a job stands, once its events don't tell.
func (p *Partner) state(ctx context.Context, id string) (state string, err error) {
	var status struct {
		State string `json:"state"`
	}
	_, err = p.call(ctx, "GET", "/jobs/"+id, "", nil, &status)
	return status.State, err
}

// call makes one request, again while there is nobody to answer: all of them may be
// repeated. The portal may be about to start.
func (p *Partner) call(ctx context.Context, method, path, key string, body []byte, into any) (*http.Response, error) {
	end := time.Now().Add(p.Again)
	for {
		answer, err := p.callOnce(ctx, method, path, key, body, into)
		if err == nil || answer != nil || time.Now().After(end) {
			return answer, err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// callOnce makes one request, and decodes a good answer. An answer in the 500s is an
// error: a partner is never to see one.
func (p *Partner) callOnce(ctx context.Context, method, path, key string, body []byte, into any) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.Site+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(p.Name, "")
	if key != "" {
		r.Header.Set("Idempotency-Key", strconv.Quote(key))
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := p.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 500 {
		p.books.failed()
		return answer, fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if into != nil && answer.StatusCode < 300 {
		return answer, json.Unmarshal(text, into)
	}
	return answer, nil
}
