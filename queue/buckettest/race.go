package buckettest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
)

const crowd = 16

var raceCases = []testCase{
	{
		name: "OfManyWritersOneWins",
		why:  "a job runs with args that another producer was told are its own",
		run: func(e *env) {
			for round := range 20 {
				key := fmt.Sprintf("2026-12-09/%d", round)
				var winner atomic.Int64
				together(func(i int) {
					switch err := e.Write(e.ctx, key, sheet(byte('a'+i))); {
					case err == nil:
						if w := winner.Swap(int64(i + 1)); w != 0 {
							e.Errorf("%s: writers %d and %d both won", key, w, i+1)
						}
					case !errors.Is(err, fs.ErrExist):
						e.Errorf("%s: %v, want fs.ErrExist", key, err)
					}
				})
				if winner.Load() == 0 {
					e.Fatalf("%s: nobody won", key)
				}
				if got := e.read(key); !bytes.Equal(got, sheet(byte('a'+winner.Load()-1))) {
					e.Errorf("%s: what is there is not the winner's", key)
				}
			}
		},
	},
	{
		name: "NothingIsSeenHalfWritten",
		why:  "a worker decodes a payload that ends in the middle",
		run: func(e *env) {
			var written atomic.Int64
			together(func(i int) {
				key := fmt.Sprintf("2026-12-09/%d", i/2)
				if i%2 == 0 {
					defer written.Add(1)
					e.expect(e.Write(e.ctx, key, sheet('w')))
					return
				}
				for {
					last := written.Load() == crowd/2 // asked before reading: then it must be there
					data, err := e.tryRead(key)
					if err == nil && !bytes.Equal(data, sheet('w')) {
						e.Errorf("%s: %d bytes of %d", key, len(data), len(sheet('w')))
					}
					if err != nil && (last || !errors.Is(err, fs.ErrNotExist)) {
						e.Errorf("%s: %v", key, err)
					}
					if err == nil || last || e.Failed() {
						return
					}
				}
			})
		},
	},
	{
		name: "DeletesDoNotHinderWriters",
		why:  "an enqueue fails, or its payload is lost, because a sweeper has just emptied the folder",
		run: func(e *env) {
			for round := range 20 {
				together(func(i int) {
					key := fmt.Sprintf("2026-12-09/%d/%d", round, i)
					e.expect(e.Write(e.ctx, key, nil))
					if i%4 != 0 {
						e.expect(e.Delete(e.ctx, key))
					}
				})
				if got := e.list(fmt.Sprintf("2026-12-09/%d/", round)); len(got) != crowd/4 {
					e.Fatalf("left of %d: %q", crowd/4, got)
				}
			}
		},
	},
}

// expect reports err, from any goroutine.
func (e *env) expect(err error) {
	e.Helper()
	if err != nil {
		e.Error(err)
	}
}

// together runs f in a crowd of goroutines that start at once.
func together(f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range crowd {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

// sheet is data of which every byte is the same.
func sheet(c byte) []byte { return bytes.Repeat([]byte{c}, 256<<10) }
