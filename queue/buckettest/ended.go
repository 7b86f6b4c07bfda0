package buckettest

import (
	"context"
	"errors"
)

var endedCases = []testCase{{
	name: "AnEndedContextEndsEveryCall",
	why:  "a caller that has left, or a worker that drains, waits for a bucket that hangs",
	run: func(e *env) {
		e.write("2026-12-09/a", []byte("stays"))
		ended, end := context.WithCancel(e.ctx)
		end()
		if err := e.Write(ended, "2026-12-09/b", nil); !errors.Is(err, context.Canceled) {
			e.Errorf("Write: %v", err)
		}
		e.isAbsent("2026-12-09/b")
		if r, err := e.Open(ended, "2026-12-09/a"); !errors.Is(err, context.Canceled) {
			e.Errorf("Open: %v", err)
			if err == nil {
				r.Close()
			}
		}
		if err := e.Delete(ended, "2026-12-09/a"); !errors.Is(err, context.Canceled) {
			e.Errorf("Delete: %v", err)
		}
		if got := e.read("2026-12-09/a"); string(got) != "stays" {
			e.Errorf("read %q", got)
		}
		yields := 0
		for _, err := range e.List(ended, "") {
			if yields++; !errors.Is(err, context.Canceled) {
				e.Errorf("List: %v", err)
			}
		}
		if yields != 1 {
			e.Errorf("List yielded %d times, want one error", yields)
		}
	},
}}
