package protocol

import "time"

// cells is a store of small values with compare-and-set on a version: the Records interface of the protocol, typed.
type cells[T any] struct {
	*world
	name   string
	values map[string]*cell[T]
	onPut  func(p *process, old, new T)
}

type cell[T any] struct {
	value   T
	version int // counted from 1 in each life of the cell, as on an object store
	writer  uint64
	gone    instant // when the store really deletes it: some time after it expired
}

// get reads strongly consistent. Version 0 means absent.
func (c *cells[T]) get(p *process, key string) (value T, version int) {
	p.call("get "+c.name, key, func() {
		value, version = c.peek(key)
	})
	return value, version
}

// put writes if the version is still prev (0 = create). A conflict that carries our own writer is a success:
// it is the SDK's repetition of a write that took effect.
func (c *cells[T]) put(p *process, key string, value T, prev int, expire instant) (version int, ok bool) {
	writer := c.rng.Uint64()
	p.call("put "+c.name, key, func() {
		old, current := c.peek(key)
		if current != prev {
			at := c.values[key]
			version, ok = current, current != 0 && at.writer == writer
			return
		}
		at := c.values[key]
		if at == nil {
			at = &cell[T]{}
			c.values[key] = at
		}
		at.value, at.version, at.writer = value, current+1, writer
		at.gone = expire + c.between(0, time.Hour)
		version, ok = at.version, true
		if c.onPut != nil {
			c.onPut(p, old, value)
		}
	})
	return version, ok
}

// peek is the present truth, without a call.
func (c *cells[T]) peek(key string) (value T, version int) {
	at := c.values[key]
	if at == nil {
		return value, 0
	}
	if at.gone <= c.now {
		delete(c.values, key)
		return value, 0
	}
	return at.value, at.version
}
