package worker

import "testing"

func TestFifoKeepsItsOrder(t *testing.T) {
	var f fifo
	in := make([]*attempt, 10)
	for i := range in {
		in[i] = &attempt{index: i}
		f.push(in[i])
	}
	if a := f.pop(); a != in[0] {
		t.Fatalf("popped %d first", a.index)
	}
	if got := f.take(nil, 4); len(got) != 4 || got[0] != in[1] || got[3] != in[4] || f.len() != 5 {
		t.Fatalf("took %d, and %d are left", len(got), f.len())
	}
	if got := f.take(nil, 100); len(got) != 5 || got[4] != in[9] || f.len() != 0 {
		t.Fatalf("took %d, and %d are left", len(got), f.len())
	}
}

// A queue that is never empty must not keep the places of all that went through.
func TestFifoThatIsNeverEmptyDoesNotGrow(t *testing.T) {
	var f fifo
	a := &attempt{}
	for range 10 {
		f.push(a)
	}
	for range 100_000 {
		f.push(a)
		f.pop()
	}
	if n := cap(f.items); n > 100 {
		t.Errorf("10 attempts wait in a slice of %d", n)
	}
}
