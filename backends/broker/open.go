package broker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/leat-go/leat/backends"
)

// RecordStore is a record store that a URL named.
type RecordStore struct {
	Records
	Name       string              // "dynamodb", for Features
	Durability backends.Durability // of a record that was written
	Close      func() error        // gives back what opening took; nil = nothing
}

// RecordsOpener opens the record store that a URL names. What holds for
// [backends.Opener] holds for it.
type RecordsOpener func(ctx context.Context, u *url.URL) (*RecordStore, error)

var stores = struct {
	sync.RWMutex
	openers map[string]RecordsOpener
}{openers: map[string]RecordsOpener{}}

// RegisterRecords tells how to open a scheme that stands in the parameter
// "records" of a broker's URL. Drivers call it when they are imported. It panics
// if the scheme is taken or empty.
func RegisterRecords(scheme string, open RecordsOpener) {
	stores.Lock()
	defer stores.Unlock()
	if stores.openers[scheme] != nil || scheme == "" || open == nil {
		panic("broker: scheme " + scheme + " of records registered twice, or without a name or opener")
	}
	stores.openers[scheme] = open
}

// OpenRecords opens a record store by its URL. The error never quotes the URL.
func OpenRecords(ctx context.Context, rawURL string) (*RecordStore, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, badRecords("can't be parsed")
	}
	stores.RLock()
	open, have := stores.openers[u.Scheme], strings.Join(slices.Sorted(maps.Keys(stores.openers)), ", ")
	stores.RUnlock()
	switch {
	case open != nil:
	case u.Scheme == "dynamodb": // ours, and not imported
		return nil, badRecords(`no driver for scheme "dynamodb"; import _ "github.com/leat-go/leat/backends/broker/docrecords/dynamodb"`)
	default:
		return nil, badRecords(fmt.Sprintf("no driver for scheme %q is registered (have: %s)", u.Scheme, cmp.Or(have, "none")))
	}
	return open(ctx, u)
}

func badRecords(reason string) error {
	return &backends.InvalidError{Field: "URL records", Reason: reason}
}

// Address is a broker's URL, taken apart: what every transport has is taken off,
// the rest is for its driver.
type Address struct {
	Queue  string       // parameter "queue"; "" = the first that is used
	Store  *RecordStore // parameter "records", a URL, escaped; nil = without, fire and forget
	Params url.Values   // those that the transport asked for
	Rest   *url.URL     // without all of these

	DeadLetters Transport // for Options; set by the driver, where there is a Store
}

// Parse takes a URL apart and opens the record store that it names. mine are the
// transport's own parameters; each may be given once.
func Parse(ctx context.Context, u *url.URL, mine ...string) (*Address, error) {
	params, rest, err := backends.Take(u, append([]string{"queue", "records"}, mine...)...)
	if err != nil {
		return nil, err
	}
	for k, v := range params {
		if len(v) > 1 {
			return nil, &backends.InvalidError{Field: "URL", Reason: fmt.Sprintf("parameter %q is given twice", k)}
		}
	}
	a := &Address{Queue: params.Get("queue"), Params: params, Rest: rest}
	if records := params.Get("records"); records != "" {
		if a.Store, err = OpenRecords(ctx, records); err != nil {
			return nil, err
		}
	}
	params.Del("queue")
	params.Del("records")
	return a, nil
}

// Backend joins the transport and the store; closing it closes both.
func (a *Address) Backend(t Transport) *Backend {
	o := Options{Queue: a.Queue}
	if a.Store == nil {
		return New(t, nil, o)
	}
	o.DeadLetters = a.DeadLetters
	o.Durability, o.Closer = a.Store.Durability, a.Store.Close
	if name := a.Store.Name; name != "" {
		o.Name = t.Features().Name + "+" + name
	}
	return New(t, a.Store.Records, o)
}

// Close gives the store back, where the transport could not be opened.
func (a *Address) Close() error {
	if a.Store == nil || a.Store.Close == nil {
		return nil
	}
	return a.Store.Close()
}
