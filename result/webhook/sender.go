package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// The defaults of a Sender.
const (
	DefaultTimeout       = 15 * time.Second
	DefaultMaxRetryAfter = 24 * time.Hour
)

// Sender brings deliveries to their receivers. Only Lookup is required. Set the
// fields before it is used, and don't copy it then; it is safe for concurrent use.
type Sender struct {
	// Lookup finds a target of a tenant, at each attempt: a new URL or secret counts
	// from the next one on. [ErrUnsubscribed] ends the delivery quietly; after any
	// other error, or a panic, it is tried again later. An error's text is kept with
	// the job: leave URL and secrets out of it.
	Lookup func(ctx context.Context, tenant, target string) (Endpoint, error)

	// Gone is told that a target answered 410 Gone: it wants no more, and should be
	// disabled. After an error the delivery, and so Gone, is tried again; else it is
	// a dead letter. nil = nobody is told.
	Gone func(ctx context.Context, tenant, target string) error

	Timeout       time.Duration // of one attempt, from the name's lookup to the end of the answer; 0 = 15 s
	MaxRetryAfter time.Duration // longest wait that a receiver may ask for; 0 = 24 h

	// AllowHTTP takes http:// URLs, too: anybody on the way can read what they carry.
	AllowHTTP bool

	// AllowAddr lets an address pass that would be refused ([ErrAddress]): that of a
	// receiver on premises, or of a test. It is asked about each address that is
	// really dialled, with IPv4 as IPv4. A panic is a no. nil = none.
	AllowAddr func(netip.AddrPort) bool

	Resolver *net.Resolver // nil = net.DefaultResolver
	TLS      *tls.Config   // roots of receivers on premises, say; nil = the system's, and TLS 1.2 or newer

	once sync.Once
	http *http.Transport

	// connect takes the place of the network, in tests.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// Endpoint is where and how a target is called.
type Endpoint struct {
	// URL is https://host[:port]/path?query, of at most 2,048 bytes. A host is a name
	// in ASCII (xn-- for others), a dotted IPv4 address or a bracketed IPv6 one.
	URL string

	// Secrets sign the call-back, one signature each: the newest, and during a
	// rotation those that the receiver may still hold. 1 to 8.
	Secrets []Secret
}

const maxSecrets = 8

// ErrUnsubscribed is what Lookup returns for a target that is no more.
var ErrUnsubscribed = errors.New("webhook: unsubscribed")

// Deliver is the handler of the delivery queue: worker.New(deliveries, s.Deliver),
// or s.Worker(deliveries). It makes one attempt. Errors are a *[Failure], or what a
// hook said; one that is sure to come again is permanent ([worker.Permanent]).
func (s *Sender) Deliver(ctx context.Context, job *queue.Job[Delivery]) (queue.None, error) {
	return queue.None{}, s.deliver(ctx, job)
}

func (s *Sender) deliver(ctx context.Context, job *queue.Job[Delivery]) error {
	if err := s.check(); err != nil {
		return err
	}
	to, err := s.lookup(ctx, job.Tenant, job.Args.Target)
	if errors.Is(err, ErrUnsubscribed) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := s.parse(to.URL)
	if err := cmp.Or(err, checkSecrets(to.Secrets), checkID(job.Args.ID)); err != nil {
		return worker.Permanent(err)
	}
	body, err := json.Marshal(job.Args.Message)
	if err != nil {
		return worker.Permanent(err)
	}
	a, err := s.post(ctx, u, signed(job.Args.ID, time.Now(), body, to.Secrets), body)
	if err != nil {
		return err
	}
	return s.judge(ctx, job, u.Host, a)
}

func (s *Sender) check() error {
	switch {
	case s.Lookup == nil:
		return &queue.InvalidError{Field: "Sender.Lookup", Reason: "is missing"}
	case s.Timeout < 0 || s.MaxRetryAfter < 0:
		return &queue.InvalidError{Field: "Sender.Timeout or MaxRetryAfter", Reason: "must not be negative"}
	}
	return nil
}

func checkSecrets(all []Secret) error {
	switch {
	case len(all) == 0 || len(all) > maxSecrets:
		return &queue.InvalidError{Field: "Endpoint.Secrets", Reason: "must be 1 to " + strconv.Itoa(maxSecrets)}
	case slices.ContainsFunc(all, Secret.isZero):
		return &queue.InvalidError{Field: "Endpoint.Secrets", Reason: "has one that is empty"}
	}
	return nil
}

// checkID refuses what an [Announcer] doesn't make: the delivery queue may be
// somebody else's to write.
func checkID(id string) error {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '.' {
			return &queue.InvalidError{Field: "Delivery.ID", Reason: "has characters that are not allowed"}
		}
	}
	if id == "" || len(id) > maxID {
		return &queue.InvalidError{Field: "Delivery.ID", Reason: "must have 1 to " + strconv.Itoa(maxID) + " bytes"}
	}
	return nil
}

const maxID = 2048

func (s *Sender) timeout() time.Duration { return cmp.Or(s.Timeout, DefaultTimeout) }
