package memory

import "container/heap"

// links makes a T a member of one line at a time.
type links[T any] struct{ next, prev T }

type linked[T any] interface {
	comparable
	link() *links[T]
}

// line is a first-in first-out list, linked through its members.
type line[T linked[T]] struct{ head, tail T }

func (l *line[T]) push(t T) {
	var none T
	if l.tail == none {
		l.head = t
	} else {
		l.tail.link().next, t.link().prev = t, l.tail
	}
	l.tail = t
}

func (l *line[T]) remove(t T) {
	var none T
	at := t.link()
	if at.prev == none {
		l.head = at.next
	} else {
		at.prev.link().next = at.next
	}
	if at.next == none {
		l.tail = at.prev
	} else {
		at.next.link().prev = at.prev
	}
	*at = links[T]{}
}

// pile is a heap whose members know their index, so that any can be removed.
type pile[T any] struct {
	items  []T
	before func(a, b T) bool
	index  func(T) *int32 // -1 = not in the heap
}

func (p *pile[T]) push(t T)   { heap.Push(p, t) }
func (p *pile[T]) remove(t T) { heap.Remove(p, int(*p.index(t))) }

// Len, Less, Swap, Push and Pop are for container/heap.
func (p *pile[T]) Len() int           { return len(p.items) }
func (p *pile[T]) Less(i, j int) bool { return p.before(p.items[i], p.items[j]) }

func (p *pile[T]) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	*p.index(p.items[i]), *p.index(p.items[j]) = int32(i), int32(j)
}

func (p *pile[T]) Push(x any) {
	t := x.(T)
	*p.index(t) = int32(len(p.items))
	p.items = append(p.items, t)
}

func (p *pile[T]) Pop() any {
	var none T
	last := len(p.items) - 1
	t := p.items[last]
	p.items[last] = none
	p.items = p.items[:last]
	*p.index(t) = -1
	return t
}

// order keeps records sorted. Those that come in order stand in a line, at
// O(1); the others go to a heap, at O(log n).
type order struct {
	inLine line[*record]
	heap   pile[*record]
	lane   *lane // whose it is; nil for a schedule's
}

func newOrder(before func(a, b *record) bool, of *lane) order {
	return order{heap: pile[*record]{before: before, index: (*record).heapIndex}, lane: of}
}

func (o *order) push(r *record) {
	r.in = o
	if t := o.inLine.tail; t == nil || !o.heap.before(r, t) {
		o.inLine.push(r)
		return
	}
	o.heap.push(r)
}

func (o *order) remove(r *record) {
	r.in = nil
	if r.index >= 0 {
		o.heap.remove(r)
		return
	}
	if next := r.next; next != nil {
		next.index = -1 // as it is: the write fetches what the next claim will read
	}
	o.inLine.remove(r)
}

// first is the least record, nil if there is none.
func (o *order) first() *record {
	head := o.inLine.head
	if len(o.heap.items) > 0 && (head == nil || o.heap.before(o.heap.items[0], head)) {
		return o.heap.items[0]
	}
	return head
}

// byTurn orders the jobs of a tenant: priority, then place in time, then order.
func byTurn(a, b *record) bool {
	if a.job.Priority != b.job.Priority {
		return a.job.Priority > b.job.Priority
	}
	if a.life.Place != b.life.Place {
		return a.life.Place < b.life.Place
	}
	return a.order < b.order
}

func byDue(a, b *record) bool {
	if a.life.Due != b.life.Due {
		return a.life.Due < b.life.Due
	}
	return a.order < b.order
}
