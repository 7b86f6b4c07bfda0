package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// carrier is anything that takes payloads and gives them out again.
type carrier struct {
	// send hands one job over; it may be called by several goroutines.
	send func() error
	// sendAll hands so many over in one call; nil where there is no such call.
	sendAll func(jobs int) error
	// consume starts the consumers and calls done for each job that was handled,
	// until ctx ends. When it returns all of them are acknowledged and nothing runs.
	consume func(ctx context.Context, done func(jobs int)) error
	// left counts what is still to be handled or acknowledged, for drains.
	left  func() (int, error)
	close func()
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

// batch is the jobs of one call, where calls carry many.
const batch = 100

// sendsBatches times n jobs from one producer, a batch in each call.
func (o open) sendsBatches(n int) (sample, error) {
	var m meter
	c, err := o(n)
	if err != nil {
		return m.sample, err
	}
	defer c.close()
	m.start()
	err = c.fill(n)
	m.stop(n)
	return m.sample, err
}

// patience is how long nothing may come of a job.
const patience = time.Minute

// drains times n jobs that wait, until the last is acknowledged.
func (o open) drains(n int) (sample, error) {
	var m meter
	c, err := o(n)
	if err != nil {
		return m.sample, err
	}
	defer c.close()
	if err := c.fill(n); err != nil {
		return m.sample, err
	}
	settleHeap()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	count := counter{left: n, end: cancel}
	m.start()
	err = c.consume(ctx, count.down)
	m.stop(n)
	if err != nil {
		return m.sample, err
	}
	left, err := c.left()
	if left > 0 {
		err = fmt.Errorf("%d of %d jobs are left", left, n)
	}
	return m.sample, err
}

// pause is for a time between two, at random: who polls isn't met in step.
type pause struct{ least, most time.Duration }

func (p pause) sleep() { time.Sleep(p.least + rand.N(p.most-p.least+1)) }

// blink is long enough for goroutines to fall asleep.
var blink = pause{time.Millisecond, time.Millisecond}

// wakes measures from send to done, one job at a time, with a pause before each
// so that everybody sleeps.
func (o open) wakes(n int, p pause) (sample, error) {
	s := sample{Jobs: n}
	c, err := o(n)
	if err != nil {
		return s, err
	}
	defer c.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got, ended := make(chan time.Time, 1), make(chan error, 1)
	go func() { ended <- c.consume(ctx, func(int) { got <- time.Now() }) }()

	took := make([]time.Duration, 0, n)
	for range n {
		p.sleep()
		sent := time.Now()
		if err := c.send(); err != nil {
			return s, errors.Join(err, stopped(cancel, ended))
		}
		select {
		case at := <-got:
			took = append(took, at.Sub(sent))
		case err := <-ended:
			return s, errors.Join(errors.New("the consumers ended"), err)
		case <-time.After(patience):
			return s, errors.Join(fmt.Errorf("nothing came of a job for %v", patience), stopped(cancel, ended))
		}
	}
	s.P50 = middle(took)
	return s, stopped(cancel, ended)
}

// stopped ends the consumers, and waits for them.
func stopped(cancel func(), ended <-chan error) error {
	cancel()
	return <-ended
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

// fill hands n jobs over in the largest calls there are.
func (c carrier) fill(n int) error {
	if c.sendAll == nil {
		return c.produce(n, 1)
	}
	for ; n > 0; n -= batch {
		if err := c.sendAll(min(n, batch)); err != nil {
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
