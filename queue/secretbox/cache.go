package secretbox

import (
	"container/list"
	"crypto/cipher"
	"sync"
)

// maxKnown bounds the data keys in memory: those of a hundred programs for ten
// days, at a kilobyte each.
const maxKnown = 1024

// cache keeps the data keys that were used last, by their wrapped form.
type cache struct {
	mu    sync.Mutex
	keys  map[string]*list.Element
	order list.List // of known, newest use first
}

type known struct {
	wrapped string
	aead    cipher.AEAD
}

func (c *cache) get(wrapped string) cipher.AEAD {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.keys[wrapped]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(known).aead
}

func (c *cache) put(wrapped string, aead cipher.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]*list.Element{}
	}
	if c.keys[wrapped] != nil {
		return
	}
	c.keys[wrapped] = c.order.PushFront(known{wrapped, aead})
	if c.order.Len() > maxKnown {
		delete(c.keys, c.order.Remove(c.order.Back()).(known).wrapped)
	}
}
