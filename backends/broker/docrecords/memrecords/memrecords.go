// Package memrecords keeps a broker's records in the memory of the process, for
// tests and for development. Importing it registers the scheme:
//
//	memrecords://name
//
// All who open one name see the same records, until the last of them closes it;
// without a name each opening has records of its own.
package memrecords

import (
	"context"
	"net/url"
	"sync"

	"gocloud.dev/docstore"
	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// Scheme is that of the URLs which this package opens.
const Scheme = "memrecords"

func init() { broker.RegisterRecords(Scheme, open) }

// shelf is a collection with a name, and how many have it open.
type shelf struct {
	coll *docstore.Collection
	open int
}

var shelves = struct {
	sync.Mutex
	named map[string]*shelf
}{named: map[string]*shelf{}}

func open(_ context.Context, u *url.URL) (*broker.RecordStore, error) {
	if _, err := backends.Params(u); err != nil {
		return nil, err
	}
	if u.User != nil || u.Path != "" && u.Path != "/" {
		return nil, &backends.InvalidError{Field: "URL records", Reason: "has more than a name"}
	}
	s, err := take(u.Host)
	if err != nil {
		return nil, err
	}
	return &broker.RecordStore{
		Records: docrecords.New(s.coll, docrecords.Options{}),
		Name:    Scheme, Durability: backends.Process,
		Close: sync.OnceValue(func() error { return s.giveBack(u.Host) }),
	}, nil
}

func take(name string) (*shelf, error) {
	shelves.Lock()
	defer shelves.Unlock()
	s := shelves.named[name]
	if s == nil || name == "" {
		coll, err := memdocstore.OpenCollection("key", nil)
		if err != nil {
			return nil, err
		}
		s = &shelf{coll: coll}
	}
	s.open++
	if name != "" {
		shelves.named[name] = s
	}
	return s, nil
}

func (s *shelf) giveBack(name string) error {
	shelves.Lock()
	defer shelves.Unlock()
	if s.open--; s.open > 0 {
		return nil
	}
	delete(shelves.named, name)
	return s.coll.Close()
}
