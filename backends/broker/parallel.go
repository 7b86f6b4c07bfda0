package broker

import "golang.org/x/sync/errgroup"

// parallel runs do for 0 to n-1, so many at a time as the record store is asked
// at once, and waits.
func parallel(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var g errgroup.Group
	g.SetLimit(width)
	for i := range n {
		g.Go(func() error { do(i); return nil })
	}
	_ = g.Wait()
}
