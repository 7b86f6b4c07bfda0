package memory

import (
	"context"
	"net/url"
	"sync"

	"github.com/leat-go/leat/backends"
)

func init() { backends.Register("memory", openURL) }

// named are the stores that URLs name, and how many hold each.
var named = struct {
	sync.Mutex
	stores map[string]*shared
}{stores: map[string]*shared{}}

type shared struct {
	first   *Backend // never used but to open it again
	holders int
}

// handle is one opening by URL.
type handle struct {
	*Backend
	close func() error
}

// Close gives the store up; it is gone with the last holder.
func (h *handle) Close() error { return h.close() }

// openURL gives all who open "memory://name" in one process the same store, until
// the last of them closes it. The empty name is one too.
func openURL(_ context.Context, u *url.URL) (backends.Backend, error) {
	if _, err := backends.Params(u); err != nil {
		return nil, err
	}
	if u.User != nil || u.Port() != "" {
		return nil, &backends.InvalidError{Field: "URL", Reason: "memory:// takes a name and ?queue= only"}
	}
	name := u.Host + u.Path
	named.Lock()
	defer named.Unlock()
	s := named.stores[name]
	if s == nil {
		s = &shared{first: New(Options{})}
		named.stores[name] = s
	}
	s.holders++
	b := s.first.Again()
	return &handle{Backend: b, close: sync.OnceValue(func() error { return giveUp(name, b) })}, nil
}

func giveUp(name string, b *Backend) error {
	named.Lock()
	defer named.Unlock()
	s := named.stores[name]
	if s.holders--; s.holders == 0 {
		delete(named.stores, name)
	}
	return b.Close()
}
