package caller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/examples/decoupled/portal"
)

// Caller is one person at the portal.
type Caller struct {
	Name string
	Does string // in words

	// Tell takes what happens, for those who watch; nil = nobody does.
	Tell func(name, what string)

	// Accepted is closed at the first promise.
	Accepted chan struct{}

	site   string
	client *http.Client
	play   func(context.Context, *Caller) error
	once   sync.Once
	books
}

func newCaller(name, does, site string, network http.RoundTripper, play func(context.Context, *Caller) error) *Caller {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it never fails
	}
	return &Caller{
		Name: name, Does: does, Accepted: make(chan struct{}),
		site: site, client: &http.Client{Transport: network, Jar: jar}, play: play,
	}
}

// Run plays the caller's part.
func (c *Caller) Run(ctx context.Context) error {
	if _, _, err := c.call(ctx, "GET", "/", nil, nil); err != nil { // for the cookie
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	if err := c.play(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	return nil
}

// Tenant is whom the portal takes the caller for; "" before the first visit.
func (c *Caller) Tenant() string {
	at, err := url.Parse(c.site)
	if err != nil {
		return ""
	}
	for _, cookie := range c.client.Jar.Cookies(at) {
		if cookie.Name == portal.Cookie {
			return portal.Tenant(cookie.Value)
		}
	}
	return ""
}

func (c *Caller) tell(format string, args ...any) {
	if c.Tell != nil {
		c.Tell(c.Name, fmt.Sprintf(format, args...))
	}
}

// Status is how a job stands, as the portal's JSON has it.
type Status struct {
	ID       string
	State    string
	Phase    string
	Attempt  int
	Progress struct {
		Percent float64
		Text    string
	}
	Ended    time.Time
	Failures []struct{ Text string }
	Links    struct{ Self, Result, Newer string }
}

// Problem is a refusal (RFC 9457).
type Problem struct {
	Type, Title, Detail string
	Status              int
	Links               struct{ Newer string }
}

// ask posts a question under a key, and enters the promise. It comes again when the
// portal says so.
func (c *Caller) ask(ctx context.Context, q plan.Question, key string, head http.Header) (*http.Response, Status, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, Status{}, err
	}
	head = with(head, "Content-Type", "application/json", "Idempotency-Key", strconv.Quote(key))
	for {
		begun := time.Now()
		answer, text, err := c.call(ctx, "POST", "/jobs", head, body)
		if err != nil {
			return nil, Status{}, err
		}
		var s Status
		switch answer.StatusCode {
		case http.StatusTooManyRequests:
			c.refused()
			if err := rest(ctx, retryAfter(answer)); err != nil {
				return nil, Status{}, err
			}
			continue
		case http.StatusAccepted:
			err = json.Unmarshal(text, &s)
		case http.StatusOK: // the result, at once
			s.Links.Self = answer.Header.Get("Location")
			s.Links.Result = answer.Header.Get("Content-Location")
			s.ID, err = idOf(s.Links.Result)
		default:
			err = fmt.Errorf("POST /jobs: %s: %s", answer.Status, text)
		}
		if err != nil {
			return nil, Status{}, err
		}
		if s.Links.Self == "" {
			s.Links.Self = "/jobs/" + s.ID
		}
		c.promised(s.ID, key, begun)
		c.once.Do(func() { close(c.Accepted) })
		if answer.StatusCode == http.StatusOK {
			s.State, s.Phase = "succeeded", "succeeded"
			c.ended(s, text)
		}
		return answer, s, nil
	}
}

// idOf takes the id out of "/jobs/{id}/result".
func idOf(link string) (string, error) {
	var id string
	if _, err := fmt.Sscanf(link, "/jobs/%s", &id); err != nil || len(id) <= len("/result") {
		return "", fmt.Errorf("no job in the Content-Location %q", link)
	}
	return id[:len(id)-len("/result")], nil
}

// settle enters an end, with what it left: a result, or a problem.
func (c *Caller) settle(ctx context.Context, s Status) (Problem, error) {
	answer, text, err := c.call(ctx, "GET", "/jobs/"+s.ID+"/result", nil, nil)
	if err != nil {
		return Problem{}, err
	}
	c.ended(s, text)
	var p Problem
	if answer.StatusCode == http.StatusOK {
		return p, nil
	}
	return p, json.Unmarshal(text, &p)
}

// call makes one request. An answer in the 500s is an error: nobody is to see one.
func (c *Caller) call(ctx context.Context, method, path string, head http.Header, body []byte) (*http.Response, []byte, error) {
	answer, err := c.open(ctx, method, path, head, body)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 500 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return answer, text, err
}

func (c *Caller) open(ctx context.Context, method, path string, head http.Header, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.site+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range head {
		r.Header[name] = values
	}
	c.requested()
	return c.client.Do(r)
}

// with is a copy of head with more.
func with(head http.Header, more ...string) http.Header {
	head = head.Clone()
	if head == nil {
		head = http.Header{}
	}
	for i := 0; i < len(more); i += 2 {
		head.Set(more[i], more[i+1])
	}
	return head
}

// retryAfter is when an answer asks to be looked for again.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil {
		return time.Second
	}
	return time.Duration(seconds) * time.Second
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
