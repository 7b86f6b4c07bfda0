package main

import (
	"context"
	"sync"
	"time"
)

// carrier is anything that takes payloads and gives them out again.
type carrier struct {
	// send hands one job over; it may be called by several goroutines.
	send func() error
	// consume starts the consumers and calls done for each job that was handled
	// and acknowledged, until ctx ends. It waits for what it started.
	consume func(ctx context.Context, done func(jobs int)) error
	close   func()
}

// open makes a fresh carrier for about so many jobs.
type open func(jobs int) (carrier, error)

// sends times n jobs from so many producers, with nobody to take them.
func (o open) sends(n, producers int) (sample, error) {
	var m meter
	c, err := o(n)
	if err != nil {
		return m.sample, err
	}
	defer c.close()
	m.start()
	err = c.produce(n, producers)
	m.stop(n)
	return m.sample, err
}

// live times n jobs from the first send to the last acknowledgement.
func (o open) live(n, producers int) (sample, error) {
	var m meter
	c, err := o(n)
	if err != nil {
		return m.sample, err
	}
	defer c.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	count := counter{left: n, end: cancel}

	m.start()
	failed := make(chan error, 1)
	go func() {
		err := c.produce(n, producers)
		if err != nil {
			cancel()
		}
		failed <- err
	}()
	err = c.consume(ctx, count.down)
	m.stop(n)
	if sendErr := <-failed; sendErr != nil {
		return m.sample, sendErr
	}
	return m.sample, err
}

// wakes measures from send to acknowledgement, one job at a time, with a pause
// before each so that everybody sleeps.
func (o open) wakes(n int) (sample, error) {
	s := sample{Jobs: n}
	c, err := o(n)
	if err != nil {
		return s, err
	}
	defer c.close()
	ctx, cancel := context.WithCancel(context.Background())
	got, ended := make(chan time.Time, 1), make(chan error, 1)
	go func() { ended <- c.consume(ctx, func(int) { got <- time.Now() }) }()

	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	took := make([]time.Duration, 0, n)
	for range n {
		<-pause.C
		sent := time.Now()
		if err = c.send(); err != nil {
			break
		}
		took = append(took, (<-got).Sub(sent))
	}
	cancel()
	if consumeErr := <-ended; err == nil {
		err = consumeErr
	}
	if err != nil {
		return s, err
	}
	s.P50 = middle(took)
	return s, nil
}

// holds measures what n jobs that nobody takes keep allocated.
func (o open) holds(n int) (sample, error) {
	s := sample{Jobs: n}
	var c carrier
	bytes, err := heldBy(func() (any, error) {
		var err error
		if c, err = o(n); err != nil {
			return nil, err
		}
		return &c, c.produce(n, 1)
	})
	if c.close != nil {
		c.close()
	}
	s.Bytes = bytes
	return s, err
}

func (c carrier) produce(n, producers int) error {
	var all sync.WaitGroup
	errs := make([]error, producers)
	for p := range producers {
		all.Go(func() {
			for range n*(p+1)/producers - n*p/producers {
				if errs[p] = c.send(); errs[p] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// counter ends something after so many.
type counter struct {
	mu   sync.Mutex
	left int
	end  func()
}

func (c *counter) down(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= n; c.left == 0 {
		c.end()
	}
}
